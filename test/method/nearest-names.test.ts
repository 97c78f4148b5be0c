import { nearestNames } from '../../method/nearest-names';

describe('the nearest names', () => {
  it('are those few edits away, nearest first', () => {
    expect(nearestNames('mistal', ['mistral', 'crystal', 'metal', 'gemma'])).toEqual(['mistral', 'metal']);
  });

  it('are also those that contain the name or are contained in it', () => {
    expect(nearestNames('deepseek', ['deepseek-v2', 'deepseek-v3', 'gemma'])).toEqual(['deepseek-v2', 'deepseek-v3']);
  });

  it('ignore case, keep to the limit, and are none when nothing is near', () => {
    expect(nearestNames('GEMMA', ['gemma'])).toEqual(['gemma']);
    expect(nearestNames('aab', ['aaa', 'aac', 'aad', 'aae'])).toHaveLength(3);
    expect(nearestNames('something else', ['gemma', 'phi-3'])).toEqual([]);
  });
});
