import type { Command } from 'commander';
import { aesGcmCodec } from '../../services/codec/aes-gcm-codec';
import { codecKeys } from '../../services/codec/codec-keys';
import { startCodecServer } from '../../services/codec/codec-server';
import { localServer } from '../../services/local/temporal-server';
import { UsageError } from '../terminal/errors';
import { onStopSignal } from '../terminal/signals';

const PORT = '8234';

/** `rehearse codec-server`: lets a Web UI show what this project encrypts. */
export function registerCodecServer(program: Command): void {
  program
    .command('codec-server')
    .description('decrypt payloads for the Web UI and the temporal command, until Ctrl-C')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on', PORT)
    .option('--origin <url...>', 'Web UIs that may ask, such as https://temporal.example.org; default: REHEARSE_UI_URL and that of "dev"')
    .addHelpText(
      'after',
      `
Needs the workers' REHEARSE_CODEC_KEYS or REHEARSE_CODEC_KEYS_FILE. REHEARSE_CODEC_TOKEN, where it is set, is what requests must carry as
"Authorization: Bearer". Whoever may ask reads everything: keep it on loopback, or behind TLS with a token.
In the Web UI: the glasses, "remote codec endpoint". On the command line: temporal … --codec-endpoint http://127.0.0.1:${PORT}`,
    )
    .action(async ({ host, port, origin }: { host: string; port: string; origin?: readonly string[] }) => {
      const keys = codecKeys(process.env);
      if (keys === undefined) {
        throw new UsageError('there are no keys to decrypt with', {
          hint: 'set REHEARSE_CODEC_KEYS or REHEARSE_CODEC_KEYS_FILE as for the workers',
        });
      }
      if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
        throw new UsageError(`--port is "${port}"`, { hint: 'give a number up to 65535' });
      }
      const server = await startCodecServer({
        codec: aesGcmCodec(keys),
        host,
        port: Number(port),
        origins: (origin ?? [process.env['REHEARSE_UI_URL'], localServer()?.uiUrl]).flatMap((url) => originOf(url)),
        token: process.env['REHEARSE_CODEC_TOKEN'] || undefined,
      });
      process.stdout.write(`codec server at ${server.url}\n`);
      const stop = onStopSignal(() => undefined);
      await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
      await server.close();
    });
}

function originOf(url: string | undefined): string[] {
  if (url === undefined || url === '') return [];
  if (!URL.canParse(url)) throw new UsageError(`"${url}" is no URL of a Web UI`, { hint: 'give one such as http://127.0.0.1:8233' });
  return [new URL(url).origin];
}
