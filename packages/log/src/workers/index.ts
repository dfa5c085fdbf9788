// Levels across worker threads and the processes of a cluster. An entry of its own, since most programs have neither.

export { shareLevels } from './share-levels.ts'
export type { SharedLevels, ShareLevelsOptions } from './share-levels.ts'
