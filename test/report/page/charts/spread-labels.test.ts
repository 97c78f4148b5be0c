import fc from 'fast-check';
import { spreadLabels } from '../../../../report/page/charts/spread-labels';

const room = { gap: 1, low: 0, high: 20 };

test('labels with room enough stay beside their points', () => {
  expect(spreadLabels([3, 9, 1], room)).toEqual([3, 9, 1]);
});

test('labels that would overlap stand around the middle of their points, in their order', () => {
  expect(spreadLabels([5, 5, 5], room)).toEqual([4, 5, 6]);
  expect(spreadLabels([5.2, 5], room)).toEqual([5.6, 4.6]);
});

test('at the edge they stay within it; too many for the room stand evenly over all of it', () => {
  expect(spreadLabels([0, 0, 0.1], room)).toEqual([0, 1, 2]);
  expect(spreadLabels([20, 20], room)).toEqual([19, 20]);
  expect(spreadLabels([1, 1, 1, 1, 1], { gap: 10, low: 0, high: 8 })).toEqual([0, 2, 4, 6, 8]);
});

test('none overlap, none leave the room, and their order is that of the points', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 18 }), (values) => {
      const places = spreadLabels(values, room);
      const order = values.map((value, index) => ({ value, place: places[index]! })).sort((a, b) => a.place - b.place);
      order.forEach(({ value, place }, index) => {
        expect(place).toBeGreaterThanOrEqual(-1e-9);
        expect(place).toBeLessThanOrEqual(20 + 1e-9);
        const next = order[index + 1];
        if (next === undefined) return;
        expect(next.place - place).toBeGreaterThan(1 - 1e-9);
        expect(next.value).toBeGreaterThanOrEqual(value);
      });
    }),
  );
});

test('without points there are no labels', () => {
  expect(spreadLabels([], room)).toEqual([]);
});
