/** Pages that look at a run as a whole: judges, topics, two runs, documents. */
export const ANALYSIS_TEMPLATES = {
  '@judges': `<h1>Where judges disagree</h1>
<% if (it.pairs.length === 0) { %><p class="dim">One judge has nobody to disagree with.</p><% } else { %>
<table><thead><tr><th>judges</th><th class="right">answers</th><th class="right">apart by, on average</th><th class="right">the first is higher by</th></tr></thead>
<tbody><% for (const pair of it.pairs) { %><tr<% if (pair.chosen) { %> class="chosen"<% } %>><td><a href="<%= pair.href %>"><%= pair.names %></a></td><td class="right"><%= pair.answers.toLocaleString('en') %></td><td class="right"><%= it.decimal(pair.apart) %></td><td class="right"><%= it.decimal(pair.bias) %></td></tr><% } %></tbody></table>
<p><% if (it.chosen) { %>Answers on which these two differ most. <a href="<%= it.run %>/judges">All judges</a><% } else { %>Answers on which any two differ most. A pair shows its own.<% } %></p>
<% } %>
<% if (it.rows.length === 0) { %><p class="dim">There is no answer of that kind yet.</p><% } %>
<ol class="rows">
<% for (const row of it.rows) { %><li data-id="<%= row.item %>"><a href="<%= it.run %>/i/<%= row.item %>">
<span class="id"><%= row.item %></span><span class="said" dir="auto"><%= row.text ?? '' %></span>
<span class="facts"><b><%= row.apart.toFixed(2) %> apart</b><span><%= row.generator %>, answer <%= row.sample + 1 %></span><% for (const [judge, score] of row.given) { %><span><%= judge %> <%= it.decimal(score) %></span><% } %></span></a></li><% } %>
</ol>
<%~ include('@pager', it) %>`,

  '@pager': `<p class="pager"><% if (it.previous !== null) { %><a rel="prev" href="<%= it.previous %>">← previous page</a><% } %> <% if (it.next !== null) { %><a rel="next" href="<%= it.next %>">next page →</a><% } %></p>`,

  '@topics': `<h1>Topics</h1>
<% if (it.topics.length === 0) { %><p class="dim"><%= it.none %></p><% } else { %>
<p class="dim">Instructions that share distinctive words lie near each other; a point opens its instruction, a name lists its topic. <%= it.places.length.toLocaleString('en') %> are on the map; the others are counted with the topic whose words they share.</p>
<svg class="map" viewBox="0 0 1000 620" role="img" aria-label="map of topics">
<% for (const place of it.places) { %><a href="<%= it.run %>/i/<%= place.id %>" tabindex="-1"><circle class="t<%= place.topic % 6 %>" cx="<%= place.cx %>" cy="<%= place.cy %>" r="5"><title><%= place.text %></title></circle></a><% } %>
<% for (const topic of it.topics) { %><a href="<%= it.run %>/?topic=<%= topic.topic %>"><text x="<%= topic.cx %>" y="<%= topic.cy %>"><%= topic.terms.slice(0, 3).join(' · ') %></text></a><% } %>
</svg>
<table><thead><tr><th>topic</th><th class="right">instructions</th><th class="right">kept</th><th class="right">mean score</th><th class="right">judges apart</th></tr></thead>
<tbody><% for (const topic of it.topics) { %><tr><td><a href="<%= it.run %>/?topic=<%= topic.topic %>"><%= topic.terms.length === 0 ? 'no words in common' : topic.terms.join(', ') %></a></td><td class="right"><%= topic.texts.toLocaleString('en') %></td><td class="right"><%= topic.kept.toLocaleString('en') %></td><td class="right"><%= it.decimal(topic.mean) %></td><td class="right"><%= it.decimal(topic.spread) %></td></tr><% } %></tbody></table>
<% } %>`,

  '@compare': `<h1>Two runs</h1>
<form method="get" class="inline"><label><%= it.runId %> beside <select name="with"><% for (const run of it.others) { %><option value="<%= run %>"<% if (run === it.other) { %> selected<% } %>><%= run %></option><% } %></select></label> <button>Show</button></form>
<% if (it.totals === null) { %><p class="dim"><%= it.none %></p><% } else { %>
<p><b><%= it.totals.shared.toLocaleString('en') %></b> instructions are in both; <%= it.totals.onlyA.toLocaleString('en') %> in <%= it.runId %> alone, <%= it.totals.onlyB.toLocaleString('en') %> in <%= it.other %> alone. Of those in both, <b><%= it.totals.otherAnswer.toLocaleString('en') %></b> have another answer kept. Mean score: <%= it.decimal(it.totals.meanA) %> and <%= it.decimal(it.totals.meanB) %>.</p>
<ol class="rows pairs">
<% for (const row of it.rows) { %><li data-id="<%= row.id %>"><div class="pair"><p><span class="id"><%= row.id %></span> <span class="said" dir="auto"><%= row.text %></span></p>
<div class="columns"><% for (const side of row.sides) { %><section><p class="facts"><a href="<%= side.href %>"><%= side.run %></a><% if (side.generator !== null) { %><span><%= side.generator %></span><% } %><b><%= it.decimal(side.mean) %></b></p><% if (side.answer === null) { %><p class="dim">none kept</p><% } else { %><pre dir="auto" class="text"><%= side.answer %></pre><% } %></section><% } %></div></div></li><% } %>
</ol>
<%~ include('@pager', it) %>
<% } %>`,

  '@documents': `<h1>Documents before and after</h1>
<% if (it.tasks === null) { %><p class="dim"><%= it.none %></p><% } else { %>
<form method="get" class="inline"><label>official model beside <select name="variant"><% for (const name of it.variants) { %><option value="<%= name %>"<% if (name === it.variant) { %> selected<% } %>><%= name %></option><% } %></select></label> <button>Show</button></form>
<% for (const task of it.tasks) { %><section class="task" id="<%= task.task %>"><h2><%= task.task %></h2>
<% if (task.reason !== null) { %><p class="bad">These cannot be compared: <%= task.reason %>.</p><% } else { %>
<p><b><%= task.forgotten.length.toLocaleString('en') %></b> forgotten, <b><%= task.learned.length.toLocaleString('en') %></b> learned, <%= task.retained.toLocaleString('en') %> right before and after, <%= task.neverRight.toLocaleString('en') %> wrong before and after.</p>
<% for (const [title, documents, more] of [['Forgotten', task.shownForgotten, task.forgotten.length - task.shownForgotten.length], ['Learned', task.shownLearned, task.learned.length - task.shownLearned.length]]) { %><% if (documents.length > 0) { %>
<details<% if (title === 'Forgotten') { %> open<% } %>><summary><%= title %></summary>
<% for (const document of documents) { %><article class="answer"><h2>document <%= document.docId %></h2><% if (document.target !== null) { %><p class="facts"><b>expected</b></p><pre dir="auto" class="text"><%= document.target %></pre><% } %>
<div class="columns"><section><p class="facts"><b>before</b></p><%~ include('@text', document.beforeText) %></section><section><p class="facts"><b>after</b></p><%~ include('@text', document.afterText) %></section></div></article><% } %>
<% if (more > 0) { %><p class="cut"><%= more.toLocaleString('en') %> more. <a href="?variant=<%= encodeURIComponent(it.variant) %>&amp;whole=1#<%= task.task %>">Show all</a></p><% } %></details><% } %><% } %>
<% } %></section><% } %>
<% } %>`,
} as const;
