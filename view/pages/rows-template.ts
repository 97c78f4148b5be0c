/** Conversations that a variant is trained on: the list, and one of them turn by turn. */
export const ROWS_TEMPLATES = {
  '@rows': `<h1>Rows that are trained on</h1>
<form method="get" class="inline" id="filters"><label>of <select name="variant"><% for (const name of it.variants) { %><option value="<%= name %>"<% if (name === it.variant) { %> selected<% } %>><%= name %></option><% } %></select></label>
<% if (it.kind === 'mixture') { %><label>from <select name="source"><option value="">both</option><% for (const [value, name] of [['replay', 'the replay set'], ['new', 'the new data']]) { %><option value="<%= value %>"<% if (value === it.filter.source) { %> selected<% } %>><%= name %></option><% } %></select></label><% } %>
<label>Search <input type="search" name="q" id="search" value="<%= it.filter.q %>" placeholder="in all turns"></label> <button>Show</button></form>
<p class="found"><strong><%= it.found.toLocaleString('en') %></strong> <%= it.found === 1 ? 'row' : 'rows' %> of the <%= it.kind %><% if (it.pages > 1) { %>, page <%= it.number + 1 %> of <%= it.pages.toLocaleString('en') %><% } %></p>
<% if (it.rows.length === 0) { %><p class="dim"><%= it.none %></p><% } %>
<ol class="rows">
<% for (const row of it.rows) { %><li data-id="<%= row.id %>"<% if (row.flag !== null) { %> class="flagged" title="flagged: <%= row.flag %>"<% } %>><a href="<%= row.href %>">
<span class="id"><%= row.name %></span><span class="said" dir="auto"><%= row.text %></span>
<span class="facts"><% if (row.flag !== null) { %><b class="bad">flagged</b><% } %><% if (row.source !== null) { %><b><%= row.source === 'new' ? 'new data' : 'replay' %></b><% } %><span><%= row.turns %> messages</span><% if (row.calls > 0) { %><span><%= row.calls %> tool <%= row.calls === 1 ? 'call' : 'calls' %></span><% } %><% if (row.cut) { %><span class="bad">cut off</span><% } %></span></a></li>
<% } %>
</ol>
<%~ include('@pager', it) %>`,

  '@row': `<article class="detail" data-id="<%= it.id %>" data-flag="<%= it.flag ?? '' %>">
<p class="crumbs"><a rel="up" href="<%= it.up %>">← list</a><span><%= it.place.toLocaleString('en') %> of <%= it.found.toLocaleString('en') %></span>
<% if (it.before !== null) { %><a rel="prev" href="<%= it.before %>">previous (k)</a><% } %><% if (it.after !== null) { %><a rel="next" href="<%= it.after %>">next (j)</a><% } %></p>
<header><h1><%= it.id %><% if (it.canBeFlagged) { %> <button type="button" class="flag" data-flag-button><%= it.flag === null ? 'flag (f)' : 'take the flag off (f)' %></button><% } %></h1>
<% if (it.flag !== null) { %><p class="note warning">Flagged: <%= it.flag %></p><% } %>
<p class="facts"><% if (it.source !== null) { %><b><%= it.source === 'new' ? 'new data' : 'replay' %></b><% } %><% if (it.cut) { %><span class="bad">the last answer was cut off, so its end is not trained</span><% } %></p></header>
<% if (it.tools !== null) { %><details><summary>Tools</summary><%~ include('@text', it.tools) %></details><% } %>
<% for (const turn of it.turns) { %><section class="turn <%= turn.role === 'assistant' ? 'trained' : '' %>"><h2><%= turn.role %><% if (turn.untrained) { %> <span class="badge plain">not trained</span><% } %></h2>
<% if (turn.reasoning !== null) { %><details><summary>Thoughts before it</summary><%~ include('@text', turn.reasoning) %></details><% } %>
<% if (turn.text !== null) { %><%~ include('@text', turn.text) %><% } %>
<% for (const call of turn.calls) { %><p class="facts"><b>tool call</b></p><%~ include('@text', call) %><% } %></section>
<% } %>
</article>`,
} as const;
