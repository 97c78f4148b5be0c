/**
 * The page's templates, for Eta. `<%= %>` escapes; `<%~ %>` does not, and is used for nothing but other templates, the
 * style and the plots that Vega drew.
 */
export const HTML_TEMPLATES = {
  '@page': `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title><%= it.page.title %> · Rehearse</title>
<style><%~ it.style %></style>
</head>
<body>
<header class="hero"><div class="wrap">
<div class="eyebrow"><span>Rehearse · run report</span><span class="state<%= it.page.state.good ? '' : ' open' %>"><%= it.page.state.text %></span></div>
<h1><%= it.page.title %></h1>
<p><%= it.page.subtitle %></p>
<dl class="figures">
<% for (const figure of it.page.figures) { %>
<div><dt><%= figure.label %></dt><dd class="value <%= figure.tone ?? '' %>"><%= figure.value %></dd><dd class="remark"><%= figure.note %></dd></div>
<% } %>
</dl>
</div></header>
<div class="wrap layout">
<nav class="toc" aria-label="Contents"><ol>
<% for (const section of it.page.sections) { %>
<li><a href="#<%= section.id %>"><%= section.title %></a></li>
<% } %>
</ol></nav>
<main>
<% for (const block of it.page.notes) { %>
<%~ include('@block', { block, draw: it.draw }) %>
<% } %>
<% for (const section of it.page.sections) { %>
<section id="<%= section.id %>">
<h2><%= section.title %></h2>
<% for (const block of section.blocks) { %>
<%~ include('@block', { block, draw: it.draw }) %>
<% } %>
</section>
<% } %>
<footer><p><%= it.page.footer %></p></footer>
</main>
</div>
</body>
</html>
`,

  '@block': `<% const block = it.block; const inner = (each) => include('@block', { block: each, draw: it.draw }); %>
<% if (block.kind === 'text') { %>
<p><%= block.text %></p>
<% } else if (block.kind === 'note') { %>
<p class="note <%= block.tone %>" role="note"><%= block.text %></p>
<% } else if (block.kind === 'code') { %>
<pre class="code"><%= block.text %></pre>
<% } else if (block.kind === 'columns') { %>
<div class="columns"><% for (const each of block.blocks) { %><div><%~ inner(each) %></div><% } %></div>
<% } else if (block.kind === 'details') { %>
<details><summary><%= block.summary %></summary><% for (const each of block.blocks) { %><%~ inner(each) %><% } %></details>
<% } else if (block.kind === 'table') { %>
<%~ include('@table', block) %>
<% } else if (block.kind === 'chart') { %>
<figure>
<figcaption><%= block.title %></figcaption>
<% if (block.legend) { %>
<ul class="legend"><% for (const entry of block.legend) { %><li class="<%= entry.mark %>"><%= entry.name %></li><% } %></ul>
<% } %>
<div role="img" aria-label="<%= block.alt %>"><%~ it.draw(block) %></div>
<% if (block.numbers) { %>
<details><summary>The numbers</summary><%~ inner(block.numbers) %></details>
<% } %>
</figure>
<% } else if (block.kind === 'example') { %>
<%~ include('@example', block.example) %>
<% } %>
`,

  '@table': `<% const side = (index) => it.columns[index].align ?? ''; const text = (cell) => typeof cell === 'string' ? cell : cell.text; const tone = (cell) => typeof cell === 'string' ? '' : cell.tone === 'code' ? 'code-text' : cell.tone; const wide = (cell, index) => index < 2 && text(cell).length <= 18 ? 'one-line' : ''; %>
<div class="scroll" tabindex="0" role="region" aria-label="<%= it.caption %>"><table>
<caption><%= it.caption %></caption>
<thead><tr><% it.columns.forEach((column, index) => { %><th scope="col" class="<%= side(index) %>"><%= column.name %></th><% }) %></tr></thead>
<tbody>
<% for (const row of it.rows) { %>
<tr><% row.forEach((cell, index) => { %><td class="<%= side(index) %> <%= tone(cell) %> <%= wide(cell, index) %>"><%= text(cell) %></td><% }) %></tr>
<% } %>
</tbody>
<% if (it.total) { %>
<tfoot><tr><% it.total.forEach((cell, index) => { %><td class="<%= side(index) %> <%= tone(cell) %>"><%= text(cell) %></td><% }) %></tr></tfoot>
<% } %>
</table></div>
`,

  '@excerpt': `<pre dir="auto"><%= it.text %></pre><% if (it.omitted !== '') { %><p class="cut"><%= it.omitted %></p><% } %>`,

  '@example': `<article class="example">
<header>
<h3><span><%= it.instructionId %></span><% if (it.lost !== null) { %><span class="bad">not kept: <%= it.lost %></span><% } %><% if (it.tied) { %><span>tie, decided by the seed</span><% } %></h3>
<div class="prompt" dir="auto"><pre><%= it.instruction.text %></pre></div>
<% if (it.omitted(it.instruction) !== '') { %><p class="cut"><%= it.omitted(it.instruction) %></p><% } %>
</header>
<% for (const answer of it.answers) { %>
<details class="answer<%= answer.winner ? ' winner' : '' %>"<%~ answer.winner ? ' open' : '' %>>
<summary>
<span class="who"><%= answer.generator %>, answer\u00a0<%= answer.sample + 1 %><% if (answer.winner) { %><span class="badge">kept</span><% } %><% if (answer.truncated) { %><span class="badge plain">cut off</span><% } %></span>
<% if (answer.text === null) { %>
<span class="bad">no answer</span><span class="given"><%= answer.missing %></span>
<% } else { %>
<span class="meter"><% if (answer.meanScore !== null) { %><i style="--share:<%= ((answer.meanScore - 1) / 4).toFixed(3) %>"></i><%= it.score(answer.meanScore) %><% } else { %>no score<% } %></span>
<span class="given"><% for (const given of answer.judgments) { %><span title="<%= given.judge %>"><%= it.short(given.judge) %> <%= it.score(given.score) %></span><% } %></span>
<% } %>
</summary>
<% if (answer.text !== null) { %>
<div class="body">
<%~ include('@excerpt', { text: answer.text.text, omitted: it.omitted(answer.text) }) %>
<% if (answer.judgments.length > 0) { %>
<details><summary>What the judges wrote</summary><dl class="verdict">
<% for (const given of answer.judgments) { %>
<dt><%= given.judge %><% if (given.reason !== null) { %><br><span class="bad"><%= given.reason %></span><% } %></dt><dd><%~ include('@excerpt', { text: given.raw.text, omitted: it.omitted(given.raw) }) %></dd>
<% } %>
</dl></details>
<% } %>
</div>
<% } %>
</details>
<% } %>
</article>
`,
} as const;
