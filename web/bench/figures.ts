/** Returns the middle and the spread of some times, in milliseconds. */
export function figures(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const part = (share: number) => Math.round(sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN);
  return `${part(0.5)} ms (${part(0)} to ${part(1)}, ${sorted.length} times)`;
}
