/* Reading a value of the request: eight keys are set, and the one that was set first is looked up. */
import type { Group } from '../harness/suite.ts'
import { depths } from './values.ts'

/** The look-up at a depth that requests have. */
export const value: Group = {
  name: 'value',
  title: 'look up a value at depth 8',
  note:
    'AsyncLocalStorage finds one object and no value in it. A context that copies a Map whenever a value is set, as ' +
    "OpenTelemetry's does, pays at the setting. performance.now() stands beside them as a measure of the machine.",
  holds: (result) => typeof result === 'number' || result === 'value',
  targets: [{ nanosecondsOf: 'kit: value', atMost: 12 }],
  cases: [
    ...depths(8),
    {
      name: 'performance.now() (the machine)',
      prepare() {
        return () => performance.now()
      },
    },
  ],
}
