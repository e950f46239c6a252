import{c as p,h as d,m as n}from"./chunk-EYETZAK6.js";var h=2,f=100;function m(s,e,t){return s.toLowerCase().includes(t)?!0:e!==null&&typeof e=="object"?Object.entries(e).some(([o,i])=>m(o,i,t)):String(e).toLowerCase().includes(t)}function v({value:s,label:e}){let[t,o]=p(""),i=t.trim().toLowerCase();return!s||!Object.keys(s).length?n`<p class="muted">No ${e}.</p>`:n`<div class="json-tree">
<input class="input" type="search" placeholder="Search keys and values" aria-label=${`Search in ${e}`}
value=${t} onInput=${r=>o(r.target.value)} />
<div class="json-body" role="tree" aria-label=${e}>
<${j} value=${s} level=${0} wanted=${i} />
</div>
</div>`}function j({value:s,level:e,wanted:t}){let[o,i]=p(f),a=d(()=>{let c=Object.entries(s);return t?c.filter(([l,u])=>m(l,u,t)):c},[s,t]);if(t&&!a.length)return n`<p class="muted">No matches.</p>`;let r=a.length-o;return n`<div role="group" class="json-level">
${a.slice(0,o).map(([c,l])=>n`<${k} key=${c} name=${c} value=${l} level=${e} wanted=${t} />`)}
${r>0&&n`<button class="btn quiet" onClick=${()=>i(o+10*f)}>${r} more</button>`}
</div>`}function k({name:s,value:e,level:t,wanted:o}){let[i,a]=p(t<h);if(e===null||typeof e!="object")return n`<div role="treeitem" class="json-leaf"><span class="json-key">${s}</span><${y} value=${e} /></div>`;let r=Object.keys(e).length,c=Array.isArray(e);if(c&&r<=16&&e.every($=>$===null||typeof $!="object"))return n`<div role="treeitem" class="json-leaf"><span class="json-key">${s}</span>
<span class="json-list">${e.map(($,b)=>n`<${y} key=${b} value=${$} />`)}</span></div>`;let l=o?!0:i,u=o&&s.toLowerCase().includes(o)?"":o;return n`<div role="treeitem" aria-expanded=${l}>
<button class="json-fold" onClick=${()=>a(!i)}>
<span class=${l?"fold open":"fold"} aria-hidden="true">›</span>
<span class="json-key">${s}</span>
<span class="muted num">${c?`${r} items`:`${r} keys`}</span>
</button>
${l&&r>0&&n`<${j} value=${e} level=${t+1} wanted=${u} />`}
</div>`}function y({value:s}){return n`<span class=${`json-value json-${s===null?"literal":typeof s}`}>${typeof s=="string"?s:JSON.stringify(s)}</span>`}export{v as a};
