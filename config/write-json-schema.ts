import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runSpecJsonSchemaText } from './json-schema';

// `node dist/config/write-json-schema.js [FILE]`: writes the JSON Schema that editors check specs with.
const file = resolve(process.argv[2] ?? 'config/run-spec.schema.json');
writeFileSync(file, runSpecJsonSchemaText());
process.stdout.write(`wrote ${file}\n`);
