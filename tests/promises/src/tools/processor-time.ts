/** Time that this process has had on processors: unlike the clock's it does not go on while others have them. */

/** In milliseconds, of all threads of the process together. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
