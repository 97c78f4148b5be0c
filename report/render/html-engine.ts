import { Eta } from 'eta';
import { visibleText } from './visible-text';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for HTML, in an element or a quoted attribute; what does not show itself is made visible first. */
function escapeHtml(value: unknown): string {
  return visibleText(String(value)).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** Eta with templates by name, in which `<%= %>` escapes whatever it is given. */
export function htmlEngine(templates: Readonly<Record<string, string>>): Eta {
  const eta = new Eta({ autoEscape: true, escapeFunction: escapeHtml, cache: true });
  for (const [name, template] of Object.entries(templates)) eta.loadTemplate(name, template);
  return eta;
}
