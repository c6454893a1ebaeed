// A queue with O(1) amortized push and shift; Array.prototype.shift moves every element of a long array.

const COMPACT_AT = 1024;

export class Fifo<T> {
  private items: T[] = [];
  private head = 0;

  get first(): T | undefined {
    return this.items[this.head];
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (this.head < this.items.length) this.head++;
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head >= COMPACT_AT && 2 * this.head >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  /** Takes out all of which this is true; O(n). */
  drop(isToGo: (item: T) => boolean): void {
    this.items = this.items.slice(this.head).filter((item) => !isToGo(item));
    this.head = 0;
  }
}
