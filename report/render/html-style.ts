import { DARK, FONTS, LIGHT } from './html-palette';

/** The page's whole style. */
export const HTML_STYLE = `
:root{color-scheme:light dark;
${LIGHT}
${FONTS}}
@media (prefers-color-scheme:dark){:root{
${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 var(--sans)}
.wrap{max-width:74rem;margin:0 auto;padding:0 1.5rem}
a{color:var(--c1)}
h1,h2,h3,h4{line-height:1.2;font-weight:600;margin:0}
h1,h2{font-family:var(--serif);font-weight:500;letter-spacing:-.01em;text-wrap:balance}
p{margin:0;max-width:44rem;text-wrap:pretty}
.hero{background:var(--wash);border-bottom:1px solid var(--line);padding:2.6rem 0 0}
.eyebrow{display:flex;gap:.8rem;align-items:center;font-size:.78rem;letter-spacing:.09em;text-transform:uppercase;color:var(--dim)}
.state{text-transform:none;letter-spacing:0;font-size:.8rem;font-weight:600;padding:.1rem .65rem;border-radius:1rem;border:1px solid currentColor;color:var(--good)}
.state.open{color:var(--c3)}
h1{font-size:clamp(2.4rem,6vw,3.6rem);margin:.5rem 0 .7rem;overflow-wrap:anywhere}
.hero p{font-size:1.1rem;line-height:1.55;color:var(--dim);max-width:50rem}
.figures{display:grid;grid-template-columns:repeat(3,1fr);margin:2.2rem 0 0;border-top:1px solid var(--line)}
.figures>div{padding:1.1rem 1.2rem 1.2rem 0;min-width:0}
.figures>div:not(:nth-child(3n+1)){padding-left:1.4rem;border-left:1px solid var(--line)}
.figures>div:nth-child(n+4){border-top:1px solid var(--line)}
.figures dt{font-size:.85rem;color:var(--dim)}
.figures dd{margin:0}
.figures .value{font:500 1.85rem/1.25 var(--serif);font-variant-numeric:lining-nums tabular-nums;white-space:nowrap}
.figures .remark{font-size:.85rem;color:var(--dim);line-height:1.4}
.layout{display:grid;grid-template-columns:10.5rem minmax(0,1fr);gap:3.2rem;align-items:start}
.toc{position:sticky;top:0;padding:2.6rem 0;font-size:.88rem}
.toc ol{list-style:none;margin:0;padding:0}
.toc a{display:block;padding:.28rem 0;color:var(--dim);text-decoration:none;line-height:1.35}
.toc a:hover,.toc a:focus-visible{color:var(--c1);text-decoration:underline}
main{padding:2.4rem 0 5rem;min-width:0}
main>.note{margin-bottom:1.6rem}
section{padding:0 0 1.2rem;margin:0 0 2.6rem;border-bottom:1px solid var(--line)}
section:last-child{border:0}
section>*+*,details>*+*,.example>*+*{margin-top:1.15rem}
h2{font-size:1.85rem}
h3{font-size:1.02rem}
.note{border-left:3px solid var(--c1);background:var(--wash);padding:.75rem 1rem;border-radius:0 .3rem .3rem 0;max-width:50rem;font-size:.95rem}
.note.warning{border-color:var(--warn-line);background:var(--warn)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.875rem;line-height:1.4;font-variant-numeric:lining-nums tabular-nums}
caption{caption-side:top;text-align:left;color:var(--dim);font-size:.84rem;padding:0 0 .45rem;max-width:min(44rem,calc(100vw - 2.4rem))}
th,td{padding:.38rem .6rem;text-align:left;vertical-align:baseline;border-top:1px solid var(--line)}
th:first-child,td:first-child{padding-left:0}
th:last-child,td:last-child{padding-right:.2rem}
thead th{border-top:0;border-bottom:1px solid var(--dim);font-weight:600;vertical-align:bottom;font-size:.8rem}
tbody tr:first-child td{border-top:0}
tfoot td{border-top:1px solid var(--dim);font-weight:600}
.right{text-align:right}
td.right,td.one-line{white-space:nowrap}
tbody td:first-child{min-width:5rem}
td{overflow-wrap:break-word;max-width:30rem}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}.dim{color:var(--dim)}.strong{font-weight:600}
.code-text{font:.78rem/1.5 var(--mono);overflow-wrap:anywhere}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:1.6rem 2.4rem;align-items:start}
figure{margin:0;min-width:0}
figcaption{font-weight:600;font-size:.95rem;line-height:1.4;margin-bottom:.5rem}
figure svg{width:100%;max-width:calc(var(--natural)*1.18px);height:auto;display:block;font-family:var(--sans)}
figure .wide{display:none}
@media (min-width:44rem){figure .wide{display:block}figure .narrow{display:none}}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:0 0 .6rem;padding:0;font-size:.83rem;color:var(--dim)}
.legend li::before{content:"";display:inline-block;width:.75em;height:.75em;margin-right:.45em;border-radius:2px;background:var(--mark,var(--neutral));vertical-align:-.03em}
.legend .before::before,.legend .after::before{border-radius:50%}
.legend .before::before{background:var(--paper);box-shadow:inset 0 0 0 2px var(--dim)}
.legend .after::before{background:var(--c1)}
.c1{--mark:var(--c1)}.c2{--mark:var(--c2)}.c3{--mark:var(--c3)}.c4{--mark:var(--c4)}.c5{--mark:var(--c5)}.c6{--mark:var(--c6)}
summary{cursor:pointer;color:var(--c1);font-size:.92rem;width:fit-content;max-width:100%;border-radius:.2rem}
summary:hover{text-decoration:underline}
figure details{margin-top:.5rem;font-size:.9rem}
:focus-visible{outline:2px solid var(--c1);outline-offset:3px}
pre{margin:0;font:.82rem/1.55 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate;tab-size:4}
.code{background:var(--wash);border:1px solid var(--line);border-radius:.35rem;padding:.8rem 1rem}
.example{border:1px solid var(--line);border-radius:.5rem;overflow:hidden}
.example>*+*{margin-top:0}
.example header{padding:1rem 1.2rem;background:var(--wash);border-bottom:1px solid var(--line)}
.example h3{font:600 .8rem/1.4 var(--mono);color:var(--dim);margin-bottom:.5rem;display:flex;flex-wrap:wrap;gap:.3rem 1rem}
.prompt{max-width:46rem}
.prompt pre{font:1.08rem/1.5 var(--serif)}
.answer pre{font:.93rem/1.6 var(--sans)}
.answer>*+*{margin-top:0}
.answer{border-top:1px solid var(--line)}
.answer:first-of-type{border-top:0}
.answer>summary{display:grid;grid-template-columns:minmax(17rem,1.3fr) 7rem minmax(11rem,1.7fr);gap:.3rem 1rem;align-items:center;width:100%;padding:.55rem 1.2rem;color:inherit;font-size:.88rem;font-variant-numeric:tabular-nums;list-style:none}
.answer>summary::-webkit-details-marker{display:none}
.answer>summary:hover{background:var(--wash);text-decoration:none}
.answer .who::before{content:"▸";color:var(--dim);display:inline-block;width:1.1em}
.answer[open]>summary .who::before{content:"▾"}
.answer.winner>summary{font-weight:600}
.answer.winner{box-shadow:inset 3px 0 0 var(--c1)}
.badge{font-size:.74rem;font-weight:600;color:var(--paper);background:var(--c1);border-radius:1rem;padding:.05rem .55rem;margin-left:.5rem;white-space:nowrap}
.badge.plain{background:none;color:var(--dim);box-shadow:inset 0 0 0 1px var(--line);font-weight:400}
.meter{display:inline-flex;align-items:center;gap:.5rem}
.meter i{display:block;width:3.6rem;height:.45rem;border-radius:.25rem;background:linear-gradient(90deg,var(--c1) calc(var(--share)*100%),var(--line) 0)}
.given{color:var(--dim);font-weight:400;display:flex;flex-wrap:wrap;gap:.1rem .9rem}
.answer .body{padding:.1rem 1.2rem 1.1rem 2.15rem;max-width:50rem}
.answer .body>*+*{margin-top:.8rem}
.cut{color:var(--dim);font-size:.82rem;font-style:italic}
.verdict{display:grid;grid-template-columns:8rem minmax(0,1fr);gap:.2rem 1rem;font-size:.85rem}
.verdict dt{color:var(--dim)}.verdict dd{margin:0}
footer{color:var(--dim);font-size:.85rem;padding-bottom:3rem}
@media (max-width:62rem){
.layout{display:block}
.toc{background:var(--paper);padding:0;margin:0 -1.5rem;border-bottom:1px solid var(--line);z-index:1}
.toc ol{display:flex;gap:1.2rem;overflow-x:auto;padding:.7rem 1.5rem;white-space:nowrap}
.toc a{padding:0}}
@media (max-width:44rem){
.wrap{padding:0 1.1rem}.toc{margin:0 -1.1rem}.toc ol{padding:.7rem 1.1rem}
.hero p{font-size:1rem}
.figures{grid-template-columns:repeat(2,1fr)}
.figures>div:nth-child(n){padding:.8rem .6rem .9rem 0;border-left:0;border-top:1px solid var(--line)}
.figures>div:nth-child(-n+2){border-top:0}
.figures>div:nth-child(even){padding-left:.9rem;border-left:1px solid var(--line)}
.figures .value{font-size:1.3rem}
h2{font-size:1.5rem}
td:not(.right){min-width:7.2rem}
.answer>summary{grid-template-columns:1fr auto}
.answer .given{grid-column:1/-1}
.answer .body{padding-left:1.2rem}
.verdict{grid-template-columns:1fr}}
@media print{
:root{color-scheme:light}.toc{display:none}.layout{display:block}.hero{background:none}
section{break-inside:auto}figure,.example header,tr{break-inside:avoid}
details::details-content{content-visibility:visible;block-size:auto}}
`.trim();
