import { Lanes } from '../../../services/batches/lanes';

/** A task that starts and ends when it is told to. */
function controlled() {
  let start = (): void => undefined;
  let end = (): void => undefined;
  let begun = false;
  const task = async (onStart: () => void): Promise<void> => {
    begun = true;
    start = onStart;
    await new Promise<void>((resolve) => (end = resolve));
  };
  return { task, start: () => start(), end: () => end(), begun: () => begun };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

test('a task holds back the next one until it has started', async () => {
  const lanes = new Lanes(5);
  const first = controlled();
  let started = false;
  const run = lanes.run(first.task).then(() => (started = true));
  await turns();
  expect(started).toBe(false);
  first.start();
  await run;
  expect(started).toBe(true);
  first.end();
  await lanes.allEnd();
});

test('a task that ends without having started holds nobody back', async () => {
  const lanes = new Lanes(1);
  let ended = 0;
  for (let task = 0; task < 3; task++) {
    await lanes.free();
    await lanes.run(() => Promise.resolve().then(() => void ended++));
  }
  await lanes.allEnd();
  expect(ended).toBe(3);
});

test('there is room again when one of the tasks ends', async () => {
  const lanes = new Lanes(2);
  const tasks = [controlled(), controlled()];
  for (const task of tasks) {
    await lanes.free();
    const run = lanes.run(task.task);
    task.start();
    await run;
  }
  let free = false;
  const waiting = lanes.free().then(() => (free = true));
  await turns();
  expect(free).toBe(false);
  tasks[1]?.end();
  await waiting;
  let ended = false;
  const ending = lanes.allEnd().then(() => (ended = true));
  await turns();
  expect(ended).toBe(false);
  tasks[0]?.end();
  await ending;
});
