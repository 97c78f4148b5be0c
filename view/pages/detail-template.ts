/** One instruction: its nine responses side by side, each with what the judges wrote. */
export const DETAIL_TEMPLATES = {
  '@detail': `<article class="detail" data-id="<%= it.id %>" data-flag="<%= it.flag ?? '' %>">
<p class="crumbs"><a rel="up" href="<%= it.up %>">← list</a><% if (it.place !== null) { %><span><%= it.place.toLocaleString('en') %> of <%= it.found.toLocaleString('en') %></span><% } %>
<% if (it.before !== null) { %><a rel="prev" href="<%= it.before %>">previous (k)</a><% } %><% if (it.after !== null) { %><a rel="next" href="<%= it.after %>">next (j)</a><% } %></p>
<header>
<h1><%= it.id %> <button type="button" class="flag" data-flag-button><%= it.flag === null ? 'flag (f)' : 'take the flag off (f)' %></button></h1>
<% if (it.flag !== null) { %><p class="note warning">Flagged: <%= it.flag %></p><% } %>
<% if (it.system !== null) { %><details open><summary>System message</summary><%~ include('@text', it.system) %></details><% } %>
<div class="prompt"><%~ include('@text', it.text) %></div>
<p class="facts"><b><%= it.stateText %></b><% if (it.language !== null) { %><span><%= it.language %></span><% } %><% if (it.finish !== null) { %><span>ended: <%= it.finish %></span><% } %><% if (it.model !== null) { %><span>written by <%= it.model %></span><% } %><% if (it.spread !== null) { %><span>judges up to <%= it.spread.toFixed(2) %> apart</span><% } %><% if (it.topic !== null) { %><a href="<%= it.run %>/?topic=<%= it.topic.topic %>">topic: <%= it.topic.terms.slice(0, 4).join(', ') %></a><% } %></p>
<% if (it.reasoning !== null) { %><details><summary>Thoughts before it</summary><%~ include('@text', it.reasoning) %></details><% } %>
<% if (it.failures.length > 0) { %><details open><summary>What was lost</summary><ul><% for (const lost of it.failures) { %><li><%= lost.stage %>, <%= lost.id %>: <span class="bad"><%= lost.reason %></span></li><% } %></ul></details><% } %>
</header>
<div class="answers" data-columns="<%= it.columns %>">
<% for (const answer of it.answers) { %>
<section class="answer<%= answer.kept ? ' kept' : '' %>" tabindex="0" aria-label="<%= answer.generator %>, answer <%= answer.sample + 1 %>">
<h2><%= answer.generator %> <span class="dim">answer <%= answer.sample + 1 %></span><% if (answer.kept) { %> <span class="badge">kept</span><% } %><% if (answer.finish === 'length') { %> <span class="badge plain">cut off</span><% } else if (answer.finish !== null && answer.finish !== 'stop') { %> <span class="badge plain"><%= answer.finish %></span><% } %></h2>
<p class="facts"><% if (answer.mean === null) { %><span class="dim">no score</span><% } else { %><span class="score"><meter min="1" max="5" value="<%= answer.mean %>"></meter> <b><%= answer.mean.toFixed(2) %></b></span><% } %><% for (const given of answer.judgments) { %><span title="<%= given.judge %>"><%= it.short(given.judge) %> <%= given.score === null ? '–' : it.score(given.score) %></span><% } %></p>
<% if (answer.missing !== null) { %><p class="bad">no answer: <%= answer.missing %></p><% } else { %>
<%~ include('@text', answer.text) %>
<% if (answer.reasoning !== null) { %><details><summary>Thoughts before it</summary><%~ include('@text', answer.reasoning) %></details><% } %>
<% if (answer.judgments.length > 0) { %><details class="judges"><summary>What the judges wrote</summary><dl>
<% for (const given of answer.judgments) { %><dt><b><%= given.judge %></b> <%= given.score === null ? 'no score' : it.score(given.score) %><% if (given.reason !== null) { %> <span class="bad"><%= given.reason %></span><% } %></dt><dd><% if (given.skipped) { %><p class="dim">not asked: this answer could not win any more</p><% } else { %><%~ include('@text', given.raw) %><% if (given.reasoning !== null) { %><details><summary>Thoughts before it</summary><%~ include('@text', given.reasoning) %></details><% } %><% } %></dd><% } %>
</dl></details><% } %>
<% } %>
</section>
<% } %>
</div>
</article>`,
} as const;
