import { UvProgress } from '../../../services/local/uv-progress';

test("the fraction is by size, and the last words are uv's own summary", () => {
  const progress = new UvProgress();
  expect(progress.add('Resolved 3 packages in 12ms')).toEqual({ message: 'Resolved 3 packages in 12ms' });
  progress.add('Downloading torch (1.5GiB)');
  expect(progress.add('Downloading numpy (512.0KiB)')).toEqual({ message: 'downloading packages, 0 of 1537 MiB', fraction: 0 });
  expect(progress.add(' Downloaded numpy').fraction).toBeCloseTo(0.5 / 1536.5, 6);
  expect(progress.add(' Downloaded torch').fraction).toBe(1);
  expect(progress.add('Prepared 3 packages in 9.10s')).toEqual({ message: 'Prepared 3 packages in 9.10s' });
  progress.add('Installed 3 packages in 1.04s');
  expect(progress.add(' + torch==2.15.0')).toEqual({ message: 'Installed 3 packages in 1.04s' });
  expect(progress.summary).toBe('Installed 3 packages in 1.04s');
});
