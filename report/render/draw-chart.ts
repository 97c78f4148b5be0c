import type { TopLevelSpec } from 'vega-lite';

/**
 * Draws a plot as an SVG element, to be placed in a page. Texts are escaped by Vega; nothing is loaded.
 * @param naturalWidth instead of what the spec's own width comes to, labels included; a plot without a width of its own stays as it is
 * @throws Error when the spec is not valid Vega-Lite
 */
export async function drawChart(spec: TopLevelSpec, { naturalWidth }: { readonly naturalWidth?: number } = {}): Promise<string> {
  const drawn = await draw(spec);
  if (naturalWidth === undefined || !('width' in spec) || typeof spec.width !== 'number') return drawn;
  const labels = Number(/--natural:([\d.]+)/.exec(drawn)?.[1]) - spec.width;
  return naturalWidth - labels <= spec.width ? drawn : await draw({ ...spec, width: naturalWidth - labels });
}

async function draw(spec: TopLevelSpec): Promise<string> {
  // Loaded here: every worker and every command would take a tenth of a second longer to start.
  const [{ parse, View }, { compile }] = [await import('vega'), await import('vega-lite')];
  const quiet = { level: () => quiet, error: raise, warn: () => quiet, info: () => quiet, debug: () => quiet };
  const view = new View(parse(compile(spec, { logger: quiet as never }).spec), { renderer: 'none', loader: refusingLoader });
  try {
    const svg = await view.toSVG();
    // The page's style sets the size; the drawing keeps its proportions.
    return svg.replace(
      /^<svg[^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*>/,
      (_, width: string, height: string) =>
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" style="--natural:${width}" aria-hidden="true" focusable="false">`,
    );
  } finally {
    view.finalize();
  }
}

function raise(...messages: readonly unknown[]): never {
  throw new Error(`a plot cannot be drawn: ${messages.map(String).join(' ')}`);
}

/** Specs carry their data; a URL in one is a mistake, or an attack. */
const refusingLoader = {
  load: async (uri: string): Promise<string> => await Promise.reject(new Error(`a plot asked for ${uri}; plots load nothing`)),
  sanitize: async (uri: string): Promise<{ href: string }> =>
    await Promise.reject(new Error(`a plot asked for ${uri}; plots load nothing`)),
  http: async (uri: string): Promise<string> => await Promise.reject(new Error(`a plot asked for ${uri}; plots load nothing`)),
  file: async (uri: string): Promise<string> => await Promise.reject(new Error(`a plot asked for ${uri}; plots load nothing`)),
  options: {},
};
