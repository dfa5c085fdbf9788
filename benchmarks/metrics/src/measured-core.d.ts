/* What is used of measured-core, which has no types of its own. */
declare module 'measured-core' {
  export class Counter {
    inc(n?: number): void
  }
  export class Histogram {
    update(value: number): void
  }
}
