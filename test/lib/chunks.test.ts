import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunksOf } from '../../src/lib/chunks.ts';

test('chunks hold every item once and in order, and only the last is shorter', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 20 }), (items, size) => {
      const chunks = [...chunksOf(items, size)];
      expect(chunks.flat()).toEqual(items);
      for (const chunk of chunks.slice(0, -1)) expect(chunk).toHaveLength(size);
      expect((chunks.at(-1)?.length ?? size) <= size).toBe(true);
      expect(chunks).not.toContainEqual([]);
    }),
  );
});
