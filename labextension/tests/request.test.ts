/** Addresses, bodies and errors of the server's endpoints. */
import { describe, expect, it } from 'vitest';

import { GreenApi, RequestError } from '../src/request';

function api(answer: () => Response | Promise<Response>) {
  const asked: [string, RequestInit][] = [];
  const green = new GreenApi({
    url: '/user/me/jupyter-green/api',
    fetch: async (url, init) => {
      asked.push([url, init]);
      return answer();
    }
  });
  return { green, asked };
}

const ok = (value: object) => () => new Response(JSON.stringify(value));

describe('GreenApi', () => {
  it('asks below the base URL, with names of any script', async () => {
    const { green, asked } = api(ok({ records: [], more: false }));
    await green.records('Ordner/Versuch & Irrtum ü.ipynb', 50, '2026-01-01');
    const [url] = asked[0]!;
    expect(url.startsWith('/user/me/jupyter-green/api/records?')).toBe(true);
    const query = new URLSearchParams(url.split('?')[1]);
    expect(query.get('path')).toBe('Ordner/Versuch & Irrtum ü.ipynb');
    expect(query.get('before')).toBe('2026-01-01');
  });

  it('posts what changes something', async () => {
    const { green, asked } = api(ok({ record: { id: 'r' } }));
    await green.tag('r', { purpose: 'final' });
    const [url, init] = asked[0]!;
    expect(url).toBe('/user/me/jupyter-green/api/tag');
    expect(init.method).toBe('POST');
    expect(JSON.parse(String(init.body))).toEqual({
      record: 'r',
      purpose: 'final'
    });
  });

  it('hands on what, why and what to do', async () => {
    const problem = { message: 'no such record', reason: 'r', remedy: 'look' };
    const { green } = api(
      () => new Response(JSON.stringify(problem), { status: 400 })
    );
    await expect(green.host('')).rejects.toMatchObject({
      ...problem,
      status: 400
    });
  });

  it.each([
    ['<html>Sign in</html>', 200, 0],
    ['<html>Not found</html>', 404, 404],
    ['', 502, 502]
  ])('takes %s with status %s as no answer', async (text, status, expected) => {
    const { green } = api(() => new Response(text, { status }));
    const error = await green.host('').catch(reason => reason);
    expect(error).toBeInstanceOf(RequestError);
    expect(error.status).toBe(expected);
  });

  it('says that a server cannot be reached by status 0', async () => {
    const { green } = api(() =>
      Promise.reject(new TypeError('Failed to fetch'))
    );
    await expect(green.host('')).rejects.toMatchObject({ status: 0 });
  });
});
