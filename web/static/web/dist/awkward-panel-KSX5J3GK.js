import{b as v}from"./chunk-NHL7HXZL.js";import{a as u}from"./chunk-D6BPMAYT.js";import{a as $,b as d,c as f,d as p}from"./chunk-ETPJQQ4F.js";import"./chunk-WOKPI53Q.js";import"./chunk-OIV7YXU2.js";import{h as m,m as a}from"./chunk-EYETZAK6.js";import"./chunk-WOT6VMZA.js";var y=[10,25,100,500];function A({client:w,info:r,view:h,onView:g,onLive:M}){let{first:c,count:l}=f(h,25),e=r.structure.length,t=Math.max(0,Math.min(c??e-l,e-1)),n=Math.min(e,t+l),b=async(s,x)=>({start:t,items:n>t?await s.read({slice:`${t}:${n}`,info:r,signal:x}):[]}),R=s=>({start:t,items:s.slice(t,n)}),{value:o,failure:i}=p(w,r,`${t}:${n}`,b,M,R),k=m(()=>o&&v(o.items,o.start),[o]);return o===null?a`<${$} failure=${i} />`:a`<div class="panel">
${i&&a`<p class="error">${i}</p>`}
<div class="toolbar"><${d} total=${e} first=${c} count=${l} counts=${y} what="items"
onChange=${s=>g({first:s.first,count:s.count===25?null:s.count})} /></div>
<div class="panel-fill panel-scroll"><${u} label=${r.key} value=${k} /></div>
</div>`}export{A as AwkwardPanel};
