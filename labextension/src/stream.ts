/**
 * The server's messages: one WebSocket for the page, and polling where there is none.
 *
 * An open socket on which `visible` was said is the lease that lets the server sample.
 * Imports tokens and request's errors; the socket and the API are arguments.
 */
import { Signal, type ISignal } from '@lumino/signaling';

import { RequestError } from './request';
import type {
  Connection,
  IGreenApi,
  IGreenStream,
  StreamMessage
} from './tokens';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** So many sockets in a row may fail before the data are asked for instead. */
const TRIES_BEFORE_POLLING = 2;
const POLL_MS = 2000;
/** A watched socket that says nothing for so long is dead: a laptop slept. */
const SILENCE_MS = 15_000;
/** Without a socket nobody says that records changed: ask so often. */
const POLLS_PER_TOTALS = 3;

/** Reconnects with growing waits, and polls meanwhile. */
export class GreenStream implements IGreenStream {
  constructor(options: GreenStream.IOptions) {
    this._open = options.open;
    this._api = options.api;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get connection(): Connection {
    return this._connection;
  }

  get connectionChanged(): ISignal<this, Connection> {
    return this._connectionChanged;
  }

  get message(): ISignal<this, StreamMessage> {
    return this._message;
  }

  start(watched: boolean): void {
    if (watched !== this._watched) {
      this._watched = watched;
      this._say();
    }
    if (!this._started && !this._isDisposed) {
      this._started = true;
      this._failures = 0;
      this._connect();
    }
  }

  stop(): void {
    this._started = false;
    clearTimeout(this._silence);
    clearTimeout(this._retry);
    clearTimeout(this._poll);
    this._poll = undefined;
    const socket = this._socket;
    this._socket = null;
    socket?.close();
    // When it is live again, something may have been missed.
    this._become('connecting');
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this.stop();
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _connect(): void {
    const socket = this._open();
    this._socket = socket;
    socket.onopen = () => {
      this._failures = 0;
      clearTimeout(this._poll);
      this._poll = undefined;
      this._say();
      this._become('live');
    };
    socket.onmessage = event => {
      if (socket === this._socket) {
        this._receive(event.data);
      }
    };
    socket.onclose = () => {
      // A socket that `stop` closed is no longer ours.
      if (socket === this._socket) {
        this._socket = null;
        clearTimeout(this._silence);
        this._lost();
      }
    };
  }

  private _lost(): void {
    this._failures += 1;
    const wait = FIRST_RETRY_MS * 2 ** Math.min(this._failures - 1, 10);
    this._retry = setTimeout(
      () => this._connect(),
      Math.min(wait, LONGEST_RETRY_MS)
    );
    if (this._failures >= TRIES_BEFORE_POLLING && this._poll === undefined) {
      this._polls = 0;
      this._pollNow();
    } else if (this._poll === undefined) {
      this._become('connecting');
    }
  }

  private _pollNow(): void {
    this._poll = setTimeout(() => {
      void this._ask();
    }, POLL_MS);
  }

  private async _ask(): Promise<void> {
    const poll = this._poll;
    try {
      if (this._watched) {
        const power = await this._api.power(this._since);
        for (const sample of power.samples) {
          this._since = Math.max(this._since, sample.t);
          this._message.emit({ type: 'power', ...sample });
        }
      }
      if (this._polls++ % POLLS_PER_TOTALS === 0) {
        this._message.emit({ type: 'totals' });
      }
      this._settle(poll, 'polling');
    } catch (error) {
      const status = error instanceof RequestError ? error.status : 0;
      this._settle(poll, connectionOf(status));
    }
  }

  private _settle(
    poll: ReturnType<typeof setTimeout> | undefined,
    to: Connection
  ): void {
    // The socket may have come back while we asked.
    if (this._started && poll === this._poll && this._poll !== undefined) {
      this._become(to);
      this._pollNow();
    }
  }

  private _listen(): void {
    clearTimeout(this._silence);
    if (this._watched && this._socket) {
      this._silence = setTimeout(() => this._socket?.close(), SILENCE_MS);
    }
  }

  private _receive(data: unknown): void {
    this._listen();
    let message: StreamMessage;
    try {
      message = JSON.parse(String(data)) as StreamMessage;
    } catch {
      console.warn('jupyter-green: a message of the server is not JSON');
      return;
    }
    if (message.type === 'power') {
      this._since = Math.max(this._since, message.t);
    }
    this._message.emit(message);
  }

  private _say(): void {
    const open = this._socket?.readyState === 1;
    if (open) {
      this._listen();
      const message = { type: 'visible', visible: this._watched };
      this._socket?.send(JSON.stringify(message));
    }
  }

  private _become(connection: Connection): void {
    if (connection !== this._connection) {
      this._connection = connection;
      this._connectionChanged.emit(connection);
    }
  }

  private readonly _open: () => WebSocket;
  private readonly _api: Pick<IGreenApi, 'power'>;
  private _socket: WebSocket | null = null;
  private _retry: ReturnType<typeof setTimeout> | undefined;
  private _poll: ReturnType<typeof setTimeout> | undefined;
  private _silence: ReturnType<typeof setTimeout> | undefined;
  private _polls = 0;
  private _since = 0;
  private _failures = 0;
  private _started = false;
  private _watched = false;
  private _isDisposed = false;
  private _connection: Connection = 'connecting';
  private readonly _connectionChanged = new Signal<this, Connection>(this);
  private readonly _message = new Signal<this, StreamMessage>(this);
}

/** What an HTTP status says about the connection; 0: no answer. */
export function connectionOf(status: number): Connection {
  if (status === 404) {
    return 'missing';
  }
  return status === 401 || status === 403 ? 'forbidden' : 'offline';
}

/** Namespace of `GreenStream`. */
export namespace GreenStream {
  /** How to open a socket, and what to ask where that fails. */
  export interface IOptions {
    open: () => WebSocket;
    api: Pick<IGreenApi, 'power'>;
  }
}
