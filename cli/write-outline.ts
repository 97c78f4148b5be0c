import { writeOutline } from './outline';

/** Writes dist/cli/outline.json, at build time. Run by `npm run build`. */
writeOutline(__dirname);
