/**
 * Ask the server extension: one method for each endpoint.
 *
 * Takes the address and the way to fetch as arguments, so that tests need no server.
 * Imports tokens.
 */
import type {
  IBudgets,
  IDoctor,
  IGreenApi,
  IHost,
  IIdle,
  ILocation,
  ILocationChange,
  ILocations,
  IPower,
  IProblem,
  IRecord,
  IRecords,
  IReportJob,
  IReportRequest,
  ITotals,
  Scope
} from './tokens';

/** Fetches an address with the server's credentials. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** An error that says what, why and what to do. */
export class GreenError extends Error implements IProblem {
  constructor(problem: Partial<IProblem> & { message: string }) {
    super(problem.message);
    this.name = 'GreenError';
    this.reason = problem.reason ?? '';
    this.remedy = problem.remedy ?? '';
  }

  readonly reason: string;
  readonly remedy: string;
}

/** An answer of the server that is none; *status* 0: it could not be reached. */
export class RequestError extends GreenError {
  constructor(
    readonly status: number,
    problem: Partial<IProblem>
  ) {
    super({ ...problem, message: problem.message ?? `HTTP status ${status}` });
    this.name = 'RequestError';
  }
}

/** The server extension of one server. */
export class GreenApi implements IGreenApi {
  constructor(options: GreenApi.IOptions) {
    this._url = options.url;
    this._fetch = options.fetch;
  }

  host(path: string): Promise<IHost> {
    return this._get('host', { path });
  }

  power(since: number): Promise<IPower> {
    return this._get('power', { since });
  }

  totals(scope: Scope, path: string): Promise<ITotals> {
    // East of Greenwich JavaScript's offset is negative, everybody else's positive.
    const offset = -new Date().getTimezoneOffset();
    return this._get('totals', { scope, path, utc_offset_min: offset });
  }

  budgets(path: string): Promise<IBudgets> {
    return this._get('budgets', { path });
  }

  records(path: string, limit: number, before?: string): Promise<IRecords> {
    return this._get('records', { path, limit, ...(before && { before }) });
  }

  async tag(
    record: string,
    change: { purpose?: string; label?: string }
  ): Promise<IRecord> {
    const answer = await this._post<{ record: IRecord }>('tag', {
      record,
      ...change
    });
    return answer.record;
  }

  setLocation(path: string, change: ILocationChange): Promise<ILocation> {
    return this._post('location', { path, ...change });
  }

  locations(): Promise<ILocations> {
    return this._get('locations', {});
  }

  async report(request: IReportRequest): Promise<string> {
    const answer = await this._post<{ job: string }>('report', request);
    return answer.job;
  }

  reportJob(job: string): Promise<IReportJob> {
    return this._get(`report/${encodeURIComponent(job)}`, {});
  }

  idle(minutes: number): Promise<IIdle> {
    return this._get('idle', { minutes });
  }

  doctor(anew = false): Promise<IDoctor> {
    return anew ? this._post('doctor', {}) : this._get('doctor', {});
  }

  private _get<T>(
    name: string,
    query: { [key: string]: string | number }
  ): Promise<T> {
    const text = new URLSearchParams(
      Object.entries(query).map(([key, value]) => [key, String(value)])
    ).toString();
    return this._request(text ? `${name}?${text}` : name, { method: 'GET' });
  }

  private _post<T>(name: string, body: object): Promise<T> {
    return this._request(name, { method: 'POST', body: JSON.stringify(body) });
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response;
    try {
      response = await this._fetch(`${this._url}/${path}`, init);
    } catch (error) {
      throw new RequestError(0, { message: String(error) });
    }
    const text = await response.text();
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      // Proxies and login pages answer in HTML.
      throw response.ok
        ? new RequestError(0, { message: 'The answer is not JSON' })
        : new RequestError(response.status, {});
    }
    if (!response.ok) {
      throw new RequestError(response.status, answer as Partial<IProblem>);
    }
    return answer as T;
  }

  private readonly _url: string;
  private readonly _fetch: Fetch;
}

/** Namespace of `GreenApi`. */
export namespace GreenApi {
  /** Where the extension answers, and how it is asked. */
  export interface IOptions {
    /** Address of the API, without a slash at the end. */
    url: string;
    fetch: Fetch;
  }
}
