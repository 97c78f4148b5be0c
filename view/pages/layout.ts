import { excerpt } from '../../report/gather/examples';
import { htmlEngine } from '../../report/render/html-engine';
import type { IndexState } from '../index/run-index';
import { ANALYSIS_TEMPLATES } from './analysis-template';
import { DETAIL_TEMPLATES } from './detail-template';
import { LIST_TEMPLATES } from './list-template';
import { ROWS_TEMPLATES } from './rows-template';

/** What every page of a run shows around its own part. */
export interface Frame {
  readonly title: string;
  /** `/TOKEN`: what links to files begin with. */
  readonly base: string;
  readonly runId: string;
  readonly runs: readonly string[];
  /** Part of the path of all that is about the run. */
  readonly runRoot: string;
  /** The same of the instructions or prompts that are looked at: the run's own, or those of one row's own answers. */
  readonly root: string;
  /** What can be looked at beside it; none where there is one alone. */
  readonly sets: readonly { readonly name: string; readonly root: string }[];
  readonly state: IndexState;
  readonly flags: number;
  readonly flagFile: string;
  /** Name of the page in the navigation. */
  readonly at: PageName;
}

/** Pages of a run, in the order of the navigation: part of the path, what is written, and whether it is of one set of instructions. */
const PAGES = [
  ['', 'Instructions', 'set'],
  ['judges', 'Judges', 'set'],
  ['topics', 'Topics', 'set'],
  ['rows', 'Rows', 'run'],
  ['documents', 'Documents', 'run'],
  ['compare', 'Two runs', 'run'],
] as const;
export type PageName = (typeof PAGES)[number][1];

/** Keys that do something, for the help that `?` shows. */
const KEYS = [
  ['j, k', 'next, previous row or instruction'],
  ['Enter', 'open the row'],
  ['u', 'back to the list'],
  ['/', 'search'],
  ['f', 'flag the row, or take its flag off'],
  ['o', 'fold or unfold what the judges wrote'],
  ['[, ]', 'previous, next page'],
  ['1 … 9', 'pages, from the left'],
  ['r', 'show what has come since'],
  ['t', 'light, dark, as the system says'],
  ['?', 'this help'],
] as const;

const LAYOUT = {
  '@layout': `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title><%= it.title %> · <%= it.runId %> · Rehearse</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="<%= it.base %>/view.css">
<script src="<%= it.base %>/view.js"></script>
</head>
<body data-run="<%= it.root %>" data-version="<%= it.state.version %>" data-parts="<%= it.state.parts %>">
<header class="top">
<a class="mark" href="<%= it.base %>/">Rehearse</a>
<select id="runs" aria-label="run"><% for (const run of it.runs) { %><option value="<%= it.base %>/<%= encodeURIComponent(run) %>/"<% if (run === it.runId) { %> selected<% } %>><%= run %></option><% } %></select>
<% if (it.sets.length > 1) { %><select id="sets" aria-label="instructions of"><% for (const set of it.sets) { %><option value="<%= set.root %>/"<% if (set.root === it.root) { %> selected<% } %>><%= set.name %></option><% } %></select><% } %>
<nav aria-label="Pages"><% for (const [path, name, of] of it.pages) { %><a href="<%= of === 'set' ? it.root : it.runRoot %>/<%= path %>"<% if (name === it.at) { %> aria-current="page"<% } %>><%= name %></a><% } %></nav>
<span class="fill"></span>
<span class="state" id="state" role="status"><%= it.stateText %></span>
<button type="button" id="theme" title="light, dark or as the system says (t)">theme</button>
<button type="button" id="help" title="keys (?)">?</button>
</header>
<% for (const text of it.state.damage) { %><p class="note warning" role="note"><%= text %></p><% } %>
<main><%~ include(it.page, it.content) %></main>
<dialog id="keys" aria-label="Keys"><h2>Keys</h2><dl><% for (const [key, what] of it.keys) { %><dt><kbd><%= key %></kbd></dt><dd><%= what %></dd><% } %></dl>
<p class="dim">Flags are kept in <code><%= it.flagFile %></code>, <%= it.flags %> now. Name that file as <code>mix.exclude</code> in the spec, and start the run again: what is flagged is then left out of the mixture.</p>
<form method="dialog"><button>Close</button></form></dialog>
<dialog id="flagging" aria-label="Flag"><form method="dialog"><h2>Flag <span id="flagged-id"></span></h2>
<label>Why? <input id="flag-reason" maxlength="500" autocomplete="off"></label><p class="bad" id="flag-error" role="alert"></p>
<menu><button type="button" id="flag-cancel">Cancel</button><button value="flag" type="submit" id="flag-save">Flag</button></menu></form></dialog>
</body>
</html>
`,
  // A text of a model, never more of it than a page can hold.
  '@text': `<% if (it.text === null) { %><p class="dim"><%= it.none %></p><% } else { %><pre dir="auto" class="text"><%= it.shown %></pre><% if (it.more > 0) { %><p class="cut"><%= it.more.toLocaleString('en') %> more characters. <a href="<%= it.whole %>">Show all</a></p><% } %><% } %>`,
} as const;

const ENGINE = htmlEngine({ ...LAYOUT, ...LIST_TEMPLATES, ...DETAIL_TEMPLATES, ...ANALYSIS_TEMPLATES, ...ROWS_TEMPLATES });

/** A page of a run as HTML. @param page name of its template */
export function renderPage(page: string, frame: Frame, content: object): string {
  const { state } = frame;
  return ENGINE.render('@layout', {
    ...frame,
    pages: PAGES,
    keys: KEYS,
    stateText: stateText(state),
    page,
    content: { ...content, base: frame.base, run: frame.root },
  });
}

/** How much of the run is there. */
export function stateText({ parts, planned, waiting, instructions }: IndexState): string {
  const count = `${instructions.toLocaleString('en')} instructions`;
  if (waiting > 0) return `${count}; reading ${waiting} more ${waiting === 1 ? 'shard' : 'shards'}`;
  return parts < planned ? `${count}; ${parts} of ${planned} parts are made` : count;
}

/** A text as `@text` shows it. */
export function shownText(
  text: string | null,
  {
    none = 'There is none.',
    limit = 20_000,
    whole = '?whole=1',
  }: { readonly none?: string; readonly limit?: number; readonly whole?: string },
) {
  const { text: shown, omittedCharacters: more } = excerpt(text ?? '', limit);
  return { text, none, whole, shown, more };
}
