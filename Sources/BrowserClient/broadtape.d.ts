// SPDX-License-Identifier: Apache-2.0

/** A decimal number as text, such as "12.50". Never a floating-point number. */
export type Decimal = string;

/** `data` of `balanceUpdate`: the balance of an account in one currency. */
export interface BalanceUpdate {
  userId: string;
  balance: Decimal;
  /** USD where it is missing. */
  currency?: string;
  available?: Decimal;
  walletId?: string;
  version?: number;
  [field: string]: unknown;
}

/** `data` of `transactionUpdate`: the state of one transaction. */
export interface TransactionUpdate {
  type: "trade" | "p2p" | "deposit" | "withdrawal" | (string & {});
  amount: Decimal;
  status: string;
  currency?: string;
  transactionId?: string;
  walletId?: string;
  pair?: string;
  side?: string;
  price?: Decimal;
  filledAmount?: Decimal;
  recipientId?: string;
  balanceVersion?: number;
  [field: string]: unknown;
}

/** `data` of `rateChange`: the rate of one pair. */
export interface RateChange {
  pair?: string;
  rate: Decimal;
  bid?: Decimal;
  ask?: Decimal;
  exchange?: string;
  sequence?: number;
  [field: string]: unknown;
}

/** `data` of `chainEvent`: one log of a contract, or that it was undone. */
export interface ChainEvent {
  contract?: string;
  chain: string;
  event: string;
  blockNumber: number;
  blockHash: string;
  transactionHash: string;
  logIndex: number;
  level: "seen" | "confirmed" | "final" | (string & {});
  args?: Record<string, unknown>;
  /** The id of the event that this one undoes. */
  undoes?: string;
  [field: string]: unknown;
}

/** The `data` of the built-in types, by the name of the type. */
export interface BuiltInTypes {
  balanceUpdate: BalanceUpdate;
  transactionUpdate: TransactionUpdate;
  rateChange: RateChange;
  chainEvent: ChainEvent;
}

/** The `data` of the events of a channel: `type:key`, or a private type without a key. */
export type DataOf<Channel extends string> = Channel extends `${infer Type}:${string}`
  ? DataOf<Type>
  : Channel extends keyof BuiltInTypes
    ? BuiltInTypes[Channel]
    : unknown;

export interface Event<Data = unknown> {
  /** The full name, `type:key`. */
  channel: string;
  type: string;
  key: string;
  /** Its number in the channel: 1, 2, 3 … without a gap. */
  seq: number;
  /** The epoch of the numbering that `seq` belongs to. */
  epoch: string;
  /** Unique for its publisher; the same in every channel the event appears in. */
  id: string;
  /** When it happened, RFC 3339 in UTC. */
  time: string;
  /**
   * As it was published; amounts are decimal strings. A number that JavaScript would change, such as
   * 12345678901234567891 or 1e400, is its text; with `numbers: "text"` all of them are.
   */
  data: Data;
  /** How many events before it were skipped because only the newest counts. */
  skipped?: number;
  /** W3C Trace Context, where the event has one. */
  traceparent?: string;
  /** It is the initial state; only where there is no `onSnapshot`. */
  snapshot?: true;
}

export interface Cursor {
  seq: number;
  epoch: string;
}

/** Where cursors are stored across page loads or runs of a process. Channels have their full names. */
export interface CursorStore {
  load(channel: string): Cursor | undefined | Promise<Cursor | undefined>;
  /** Called once the handler of the event has returned; one call at a time for each channel. */
  save(channel: string, cursor: Cursor): void | Promise<void>;
}

/** Cursors in `localStorage` (or another Web Storage), under `prefix:channel`. */
export function storedCursors(prefix?: string, storage?: Pick<Storage, "getItem" | "setItem">): CursorStore;

/** Events are missing and no longer available. */
export interface Gap {
  channel: string;
  /** The first number that is missing. */
  from: number;
  /** The last number that is missing, if it is known. */
  to?: number;
  /** No longer retained, numbered again from the start, or left out by a faulty hub. */
  reason: "cursor_expired" | "epoch_changed" | "missing";
}

export interface Status {
  /**
   * `connecting`; `live`; `waiting` until `retryAt`; `offline` until there is a network; `closed` by the application or
   * by a hub with a final close code: only `reconnect()` tries again.
   */
  state: "idle" | "connecting" | "live" | "waiting" | "offline" | "closed";
  /** Failures in a row. */
  attempt: number;
  /** Milliseconds since 1970; with `waiting`. */
  retryAt?: number;
  /** Why the last connection ended; with `waiting`, `offline`, `closed`. */
  cause?: "closed" | "unreachable" | "refused" | "timeout" | "silent" | "behind" | "no_token" | "protocol" | "client";
  /** The close code, or the HTTP status where it could be seen. */
  code?: number;
  /** A sentence for a human. */
  reason?: string;
  session?: string;
  node?: string;
  /** The token's user, once the hub has accepted it. */
  user?: string;
  /** Nothing can be published at the moment; reading continues. */
  paused: boolean;
  /** Sources of this client's channels that have fallen silent. */
  stale: string[];
}

export class BroadtapeError extends Error {
  /**
   * The error code: one of the hub's, or `closed`, `handler_failed`, `cursor_not_loaded`, `cursor_not_saved`,
   * `timeout`, `unreachable`, `http`, or `cross_origin`: the browser does not let this page do it.
   */
  code: string;
  channel?: string;
  /** What can be done about it, where there is one thing: `auth`, `retry`, `snapshot`. */
  action?: string;
  /** HTTP status or close code. */
  status?: number;
  /** What is wrong with each bad event of a publish request. */
  items?: { index: number; field?: string; message: string }[];
}

export interface Options {
  /**
   * Called at every connect and before the present token expires; the new one replaces it without a new connection.
   * Without it only public types can be read.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Gives every number in `data` as the text that was published: `1.10` stays "1.10". */
  numbers?: "text";
  /** Default: none; a new page starts over. */
  cursors?: CursorStore;
  /** Bounds of the wait between connections, in ms: 500, 30000, 30000. */
  backoff?: { base?: number; cap?: number; stableAfter?: number };
  onStatus?(status: Status): void;
  onError?(error: BroadtapeError): void;
  /** For environments that lack something, and for tests. */
  WebSocket?: new (url: string, protocol: string) => unknown;
  fetch?: typeof fetch;
  random?: () => number;
  /** Milliseconds since 1970. */
  now?: () => number;
  setTimeout?: (callback: () => void, milliseconds: number) => unknown;
  clearTimeout?: (timer: any) => void;
  /** The target of `online`, `offline` and visibility events; `globalThis`. */
  host?: unknown;
}

export interface SubscribeOptions<Data> {
  /** Begin after this number; 0 begins with the first event. Takes precedence over a stored cursor. */
  since?: number;
  /** The epoch that `since` belongs to. */
  epoch?: string;
  /** Begin with the present state; the default depends on the type. */
  snapshot?: boolean;
  /** Least ms between two events, for types of which only the newest counts. */
  interval?: number;
  /** Events that may wait for the handler; 1000. */
  buffer?: number;
  /**
   * What happens when `buffer` is full: `pause` reads from the hub later and loses nothing (the default);
   * `dropOldest` drops the oldest and counts it in `skipped`.
   */
  overflow?: "pause" | "dropOldest";
  /** One at a time, in order. A promise is awaited. One that throws keeps the stored cursor before its event. */
  onEvent?(event: Event<Data>): void | Promise<void>;
  /** The initial state; without it snapshots go to `onEvent`. */
  onSnapshot?(event: Event<Data>): void | Promise<void>;
  /** Everything that was missed has been handled. */
  onCaughtUp?(place: { channel: string; seq: number }): void | Promise<void>;
  /** A snapshot follows where the type has one. */
  onGap?(gap: Gap): void | Promise<void>;
  onStale?(stale: { sources: string[] }): void;
  /** The hub has events that have not arrived yet, or they have arrived. */
  onStatus?(status: { channel: string; behind: boolean; head: number; seq: number }): void;
}

/** Without `onEvent`, iterating gives the events; leaving the loop closes the subscription. */
export interface Subscription<Data = unknown> extends AsyncIterable<Event<Data>> {
  /** As requested; the full name once the hub has sent it. */
  readonly channel: string;
  readonly epoch: string | undefined;
  /** Everything up to here was received. */
  readonly seq: number | undefined;
  readonly isClosed: boolean;
  close(): void;
}

export interface Publication {
  type: string;
  key?: string;
  keys?: string[];
  /** Created when missing. The same `source` and `id` are published once, however often they are sent. */
  id?: string;
  source?: string;
  time?: string;
  data: Record<string, unknown>;
}

export interface PublishResult {
  id: string;
  status: "accepted" | "duplicate";
  positions: { channel: string; epoch: string; seq: number }[];
}

export interface History<Data = unknown> {
  channel: string;
  epoch: string;
  head: number;
  /** The oldest number that is retained. */
  first: number;
  events: Event<Data>[];
  /** What to give as `after` for the next page. */
  next: number;
}

/**
 * Parses a message or a page of events without changing a number: one that JavaScript would change is its text. With
 * `numbers` "text", every number in `data` is.
 */
export function parse(json: string, numbers?: "text"): any;

/** A client of one hub: one connection, any number of subscriptions. Connects at once. */
export class Broadtape {
  /** `url`: `ws(s)://` or `http(s)://`; the page's origin where it is missing. */
  constructor(url?: string, options?: Options);
  readonly status: Status;
  /** Throws for a channel that is subscribed to already. */
  subscribe<Channel extends string>(
    channel: Channel,
    options?: SubscribeOptions<DataOf<Channel>>,
  ): Subscription<DataOf<Channel>>;
  /**
   * Resolves once everything is committed; all of it or none. Sent again for up to `timeout` ms (30000). Over the
   * WebSocket while it is open (up to 60 KiB), else by HTTP, which browsers allow only to pages of the hub's origin.
   */
  publish(events: Publication | Publication[], options?: { timeout?: number }): Promise<PublishResult[]>;
  history<Channel extends string>(
    channel: Channel,
    page?: { after?: number; limit?: number; timeout?: number },
  ): Promise<History<DataOf<Channel>>>;
  /** Reconnects at once, also after a final close. */
  reconnect(): void;
  /** Ends the connection and all subscriptions. */
  close(): void;
}
