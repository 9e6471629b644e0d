/** One socket, reconnected; polling where there is none. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { RequestError } from '../src/request';
import { GreenStream } from '../src/stream';
import type { IPower, StreamMessage } from '../src/tokens';
import { sample } from './fakes';

class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: StreamMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const last = () => FakeSocket.all[FakeSocket.all.length - 1]!;

function create(power: (since: number) => Promise<IPower>) {
  const stream = new GreenStream({
    api: { power },
    open: () => new FakeSocket() as unknown as WebSocket
  });
  const messages: StreamMessage[] = [];
  stream.message.connect((_, message) => messages.push(message));
  return { stream, messages };
}

const never = () => Promise.reject(new RequestError(0, {}));

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});

afterEach(() => {
  vi.useRealTimers();
});

describe('GreenStream', () => {
  it('says whether somebody watches, at once and when that changes', () => {
    const { stream } = create(never);
    stream.start(true);
    last().accept();
    stream.start(false);
    expect(last().sent.map(text => JSON.parse(text).visible)).toEqual([
      true,
      false
    ]);
    expect(stream.connection).toBe('live');
    expect(FakeSocket.all).toHaveLength(1);
  });

  it('hands messages on, and survives one that is not JSON', () => {
    const { stream, messages } = create(never);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    stream.start(true);
    last().accept();
    last().onmessage?.({ data: '<html>' });
    last().say({ type: 'totals' });
    expect(messages).toEqual([{ type: 'totals' }]);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('waits longer after each failure, half a minute at most', () => {
    const { stream } = create(never);
    stream.start(false);
    const waits = [1000, 2000, 4000, 8000, 16000, 30000, 30000];
    for (const wait of waits) {
      const before = FakeSocket.all.length;
      last().close();
      vi.advanceTimersByTime(wait - 1);
      expect(FakeSocket.all).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.all).toHaveLength(before + 1);
    }
  });

  it('asks for power where sockets fail, each sample once, until one opens', async () => {
    const asked: number[] = [];
    const { stream, messages } = create(since => {
      asked.push(since);
      const samples = [sample(since + 1, 5)];
      return Promise.resolve({ now: 0, interval_s: 1, samples });
    });
    stream.start(true);
    last().close();
    await vi.advanceTimersByTimeAsync(1000);
    last().close();
    await vi.advanceTimersByTimeAsync(2000);
    await vi.advanceTimersByTimeAsync(2000);
    expect(stream.connection).toBe('polling');
    expect(asked).toEqual([0, 1]);
    expect(messages.filter(m => m.type === 'power')).toHaveLength(2);
    expect(messages.some(m => m.type === 'totals')).toBe(true);
    last().accept();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(2);
    expect(stream.connection).toBe('live');
  });

  it('says that the server is away where polling fails, too', async () => {
    const { stream } = create(never);
    stream.start(true);
    last().close();
    await vi.advanceTimersByTimeAsync(1000);
    last().close();
    await vi.advanceTimersByTimeAsync(2000);
    expect(stream.connection).toBe('offline');
  });

  it('gives up a watched socket that has fallen silent', () => {
    const { stream } = create(never);
    stream.start(true);
    last().accept();
    vi.advanceTimersByTime(14_000);
    last().say({ type: 'totals' });
    vi.advanceTimersByTime(14_000);
    expect(last().readyState).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(FakeSocket.all[0]!.readyState).toBe(3);
  });

  it('is live anew after a stop: something may have been missed', () => {
    const { stream } = create(never);
    const seen: string[] = [];
    stream.connectionChanged.connect((_, connection) => seen.push(connection));
    stream.start(true);
    last().accept();
    stream.stop();
    stream.start(true);
    last().accept();
    expect(seen).toEqual(['live', 'connecting', 'live']);
  });

  it('does nothing more once it is stopped', async () => {
    const { stream } = create(never);
    stream.start(true);
    last().accept();
    stream.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
