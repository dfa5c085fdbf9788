/** What the shop has on its shelves: the same every time, so that a seed makes the whole day repeatable. */

/** How many items there are; SKUs run from SKU-00001. */
export const itemCount = 60_000

/** Common words first: descriptions favour them, so a search for the last ones has to look through everything. */
export const words: readonly string[] = (
  'steel cotton small large blue green classic light solid round folding garden kitchen travel wooden ceramic ' +
  'striped quiet sturdy compact copper woollen enamel bamboo magnetic cordless antique nautical hexagonal lacquered'
).split(' ')

/** The SKU of the n-th item, from 1. */
export function skuOf(n: number): string {
  return `SKU-${String(n).padStart(5, '0')}`
}

/** Makes the tables and fills them. */
export const seedSql: string = `
  create table items (
    id int primary key,
    sku text not null unique,
    name text not null,
    description text not null,
    cents int not null,
    stock int not null check (stock >= 0)
  );
  create table orders (
    id int generated always as identity primary key,
    sku text not null,
    quantity int not null
  );
  select setseed(0.42);
  insert into items
  select n,
         'SKU-' || lpad(n::text, 5, '0'),
         'Item ' || n,
         (select string_agg(('{${words.join(',')}}'::text[])[1 + floor(power(random(), 4) * ${words.length})::int], ' ')
            from generate_series(1, 12 + n * 0) as word),
         100 + (n * 37) % 9900,
         20 + n % 80
  from generate_series(1, ${itemCount}) as n;
`
