import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** Every Markdown page of the project, but for those that a run wrote. */
const PAGES = ['.', 'docs', 'python', 'deploy', 'bench', 'examples/demo', 'examples/study'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

interface Link {
  readonly path: string;
  readonly anchor: string | undefined;
}

function linksOf(page: string): Link[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { path: path === '' ? page : join(dirname(page), path), anchor };
    });
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = readFileSync(join(ROOT, page), 'utf8').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map((match) =>
      match[1]!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

test.each(PAGES)('the links of %s lead somewhere', (page) => {
  const broken = linksOf(page).filter(
    ({ path, anchor }) => !existsSync(join(ROOT, path)) || (anchor !== undefined && path.endsWith('.md') && !anchorsOf(path).has(anchor)),
  );
  expect(broken).toEqual([]);
});
