/** A counter that carries a list of small records, about as large as asked for as JSON. */
export interface CounterState {
  total: number;
  records?: { id: number; name: string; count: number }[];
}

const SIZES: Readonly<Record<string, number>> = {
  "100B": 100,
  "1KB": 1_000,
  "10KB": 10_000,
  "100KB": 100_000,
};

/** The names of the sizes, the smallest first. */
export const stateSizes: readonly string[] = Object.keys(SIZES);

/** @param size one of {@link stateSizes} */
export function stateOfSize(size: string): CounterState {
  const bytes = SIZES[size];
  if (bytes === undefined)
    throw new Error(`no state size ${size}; there are ${stateSizes.join(", ")}`);
  const record = (id: number): { id: number; name: string; count: number } => ({
    id,
    name: `item-${id}`,
    count: id % 7,
  });
  const records = [record(1000)];
  const recordBytes = JSON.stringify(records[0]).length + 1;
  while (records.length * recordBytes < bytes - 30) records.push(record(1000 + records.length));
  return { total: 0, records };
}
