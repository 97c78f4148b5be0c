/** The list of instructions: what narrows it on the left, a page of rows beside it. */
export const LIST_TEMPLATES = {
  '@list': `<div class="sides">
<form class="filters" method="get" id="filters">
<label class="search">Search <input type="search" name="q" id="search" value="<%= it.filter.q %>" placeholder="in instructions and kept answers"></label>
<div class="two"><label>Score from <input name="min" inputmode="decimal" value="<%= it.filter.min ?? '' %>"></label><label>to <input name="max" inputmode="decimal" value="<%= it.filter.max ?? '' %>"></label></div>
<label>Judges apart by at least <input name="spread" inputmode="decimal" value="<%= it.filter.spread ?? '' %>"></label>
<%~ include('@choice', { name: 'state', label: 'State', value: it.filter.state, options: it.choices.states.map((each) => [each, it.stateNames[each] ?? each]) }) %>
<%~ include('@choice', { name: 'generator', label: 'Kept answer is of', value: it.filter.generator, options: it.choices.generators.map((each) => [each, each]) }) %>
<%~ include('@choice', { name: 'finish', label: 'An answer ended', value: it.filter.finish, options: it.choices.finishes.map((each) => [each, each]) }) %>
<%~ include('@choice', { name: 'failure', label: 'Something was lost in', value: it.filter.failure, options: it.choices.failures.map((each) => [each, each]) }) %>
<%~ include('@choice', { name: 'language', label: 'Language', value: it.filter.language, options: it.choices.languages.map((each) => [each.name, each.name + ' (' + each.count.toLocaleString('en') + ')']) }) %>
<%~ include('@choice', { name: 'topic', label: 'Topic', value: String(it.filter.topic ?? ''), options: it.choices.topics.map((each) => [String(each.topic), each.terms.slice(0, 4).join(', ') + ' (' + each.texts.toLocaleString('en') + ')']) }) %>
<div class="two"><label>Characters from <input name="longer" inputmode="numeric" value="<%= it.filter.longer ?? '' %>"></label><label>to <input name="shorter" inputmode="numeric" value="<%= it.filter.shorter ?? '' %>"></label></div>
<label class="check"><input type="checkbox" name="flagged" value="1"<% if (it.filter.flagged) { %> checked<% } %>> flagged only</label>
<label>Order <select name="sort"><% for (const [value, name] of it.sorts) { %><option value="<%= value %>"<% if (value === it.filter.sort) { %> selected<% } %>><%= name %></option><% } %></select></label>
<div class="two"><button>Apply</button><a href="<%= it.run %>/">Clear</a></div>
</form>
<section aria-label="Instructions">
<p class="found"><strong><%= it.found.toLocaleString('en') %></strong> <%= it.found === 1 ? 'instruction' : 'instructions' %><% if (it.pages > 1) { %>, page <%= it.number + 1 %> of <%= it.pages.toLocaleString('en') %><% } %></p>
<% if (it.rows.length === 0) { %><p class="dim"><%= it.empty %></p><% } %>
<ol class="rows">
<% for (const row of it.rows) { %>
<li data-id="<%= row.id %>"<% if (row.flag !== null) { %> class="flagged" title="flagged: <%= row.flag %>"<% } %>><a href="<%= row.href %>">
<span class="id"><%= row.id %></span>
<span class="said" dir="auto"><% if (row.text === null) { %><em>lost before there was a text</em><% } else { %><%= row.text %><% } %></span>
<span class="facts">
<% if (row.flag !== null) { %><b class="bad">flagged</b><% } %>
<b class="<%= row.state === 'kept' ? '' : row.state === 'open' ? 'dim' : 'bad' %>"><%= row.stateText %></b>
<% if (row.mean !== null) { %><span class="score"><meter min="1" max="5" value="<%= row.mean %>"></meter> <%= row.mean.toFixed(2) %></span><% } %>
<% if (row.spread !== null) { %><span>judges up to <%= row.spread.toFixed(1) %> apart</span><% } %>
<% if (row.generator !== null) { %><span><%= row.generator %></span><% } %>
<span><%= row.answers %> answers, <%= row.judgments %> judgments</span>
<% if (row.language !== null) { %><span><%= row.language %></span><% } %>
<% if (row.failures.length > 0) { %><span class="bad">lost in <%= row.failures.join(', ') %></span><% } %>
</span></a></li>
<% } %>
</ol>
<p class="pager"><% if (it.previous !== null) { %><a rel="prev" href="<%= it.previous %>">← previous page</a><% } %> <% if (it.next !== null) { %><a rel="next" href="<%= it.next %>">next page →</a><% } %></p>
</section>
</div>`,

  '@choice': `<% if (it.options.length > 0) { %><label><%= it.label %> <select name="<%= it.name %>"><option value="">any</option><% for (const [value, name] of it.options) { %><option value="<%= value %>"<% if (value === it.value) { %> selected<% } %>><%= name %></option><% } %></select></label><% } %>`,
} as const;
