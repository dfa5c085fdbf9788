// What is done when the process (or the worker thread) ends, by its own will or by an error that nobody caught.
// One listener for all, installed when there is something to do. Nothing here handles signals: a signal without a
// handler ends the process with no event at all.

const tasks = new Set<() => void>()
let isListening = false

/** Runs `task` when the process exits, once however often it is given. */
export function onExit(task: () => void): void {
  if (!isListening) process.on('exit', runAll)
  isListening = true
  tasks.add(task)
}

/** Takes back `onExit`. */
export function cancelOnExit(task: () => void): void {
  tasks.delete(task)
}

function runAll(): void {
  for (const task of tasks) {
    try {
      task()
    } catch {
      // The others still have their turn. What is lost, the task has counted.
    }
  }
}
