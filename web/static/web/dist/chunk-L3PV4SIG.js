import{a as i}from"./chunk-OUDS4OUQ.js";import{m,n as p}from"./chunk-EYETZAK6.js";function w({lead:l,dims:$,index:b,newest:o,onIndex:s}){let r=b??l.map(t=>t-1),u=(t,a)=>{Number.isInteger(a)&&s(r.map((e,n)=>n===t?Math.max(0,Math.min(l[t]-1,a)):e))};return m`
${l.map((t,a)=>{let e=$?.[a]??`axis ${a}`;return m`<label key=${a} class="field row axis"><span>${e}</span>
<input type="range" min="0" max=${Math.max(0,t-1)} value=${r[a]} aria-label=${e} onInput=${n=>u(a,Number(n.target.value))} />
<input class="input num axis-number" type="number" min="0" max=${Math.max(0,t-1)} value=${r[a]} aria-label=${`${e}, index`} onChange=${n=>u(a,Number(n.target.value))} />
<span class="num">of ${i(t)}</span></label>`})}
<button class="btn" aria-pressed=${o} aria-label="Follow the newest" title="Show each new image as it arrives" onClick=${()=>s(o?r:null)}>${p("latest")}<span class="follow-text">Follow the newest</span></button>`}export{w as a};
