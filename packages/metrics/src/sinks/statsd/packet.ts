/**
 * Packets: lines put together up to the size of a datagram, each with a list of those who must hear of it when the
 * packet is not delivered.
 */

/** The longest packet that fits into an Ethernet frame, whatever the tunnels on its way add to it. */
export const framePacketBytes = 1432

/**
 * The longest packet that stays on this machine. collectd and Veneur read 4,096 bytes of a datagram and no more; Linux
 * keeps one of up to some 3,700 bytes in 4,096, so that a receive buffer holds more of such than of any longer ones
 * below 7,800.
 */
const loopbackPacketBytes = 3600

/** The longest packet by default: of a datagram for what Datadog's Agent reads of one, elsewhere of a write. */
const streamPacketBytes = 8192

/** The length of a packet where nobody chose one. */
export function packetBytesFor(protocol: string, loopback: boolean): number {
  if (protocol !== 'udp') return streamPacketBytes
  return loopback ? loopbackPacketBytes : framePacketBytes
}

/** Who said something in a line. */
export interface Speaker {
  /** The packet was not delivered; the amount that a line told is due again. */
  unsaid(amount: number): void
}

/** One datagram, or one write. */
export interface Packet {
  readonly text: string
  readonly bytes: number
  readonly lines: number
  readonly speakers: readonly Speaker[]
  /** What each speaker said. */
  readonly amounts: readonly number[]
}

/** Puts lines into packets. */
export class Packer {
  readonly maxBytes: number
  readonly #emit: (packet: Packet) => void
  #text = ''
  #bytes = 0
  #lines = 0
  #speakers: Speaker[] = []
  #amounts: number[] = []

  constructor(maxBytes: number, emit: (packet: Packet) => void) {
    this.maxBytes = maxBytes
    this.#emit = emit
  }

  /**
   * Adds text that must stay together, `bytes` long: a line, or several with line feeds between them. False when it
   * fits into no packet. `speaker` hears of it when the packet fails.
   */
  add(text: string, bytes: number, lines: number, speaker: Speaker | undefined, amount: number): boolean {
    if (bytes > this.maxBytes) return false
    if (this.#bytes + 1 + bytes > this.maxBytes) this.flush()
    if (this.#lines === 0) {
      this.#text = text
      this.#bytes = bytes
    } else {
      this.#text += `\n${text}`
      this.#bytes += 1 + bytes
    }
    this.#lines += lines
    if (speaker !== undefined) {
      this.#speakers.push(speaker)
      this.#amounts.push(amount)
    }
    return true
  }

  /** How long the next text may be: what is left of the packet if that is `atLeast`, else a whole packet. */
  room(atLeast: number): number {
    const left = this.#lines === 0 ? this.maxBytes : this.maxBytes - this.#bytes - 1
    return left >= atLeast ? left : this.maxBytes
  }

  /** Emits what there is. */
  flush(): void {
    if (this.#lines === 0) return
    const packet: Packet = {
      text: this.#text,
      bytes: this.#bytes,
      lines: this.#lines,
      speakers: this.#speakers,
      amounts: this.#amounts,
    }
    this.#text = ''
    this.#bytes = 0
    this.#lines = 0
    this.#speakers = []
    this.#amounts = []
    this.#emit(packet)
  }
}
