import { Journal } from '../../services/journal/journal';

/** Appends calls in 20 lanes until it is killed, and prints the item of each call once it is acknowledged. */
async function main(folder: string, prefix: string): Promise<void> {
  const journal = await Journal.open(folder);
  let next = 0;
  async function lane(): Promise<never> {
    for (;;) {
      const item = `${prefix}${next++}`;
      await journal.append({
        item,
        call: 0,
        request: 'r',
        at: new Date().toISOString(),
        ms: 1,
        reply: JSON.stringify({ text: 'x'.repeat(1_500) }),
      });
      process.stdout.write(`${item}\n`);
    }
  }
  await Promise.all(Array.from({ length: 20 }, lane));
}

main(process.argv[2] ?? '', process.argv[3] ?? '').catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
