// The control API, as the dashboard calls it. The cookie says who; the header says that it is our own page that asks.

/** What the API says went wrong, with what to do about it. */
export class Failure extends Error {
  constructor(error, status) {
    super(error.message);
    this.why = error.why;
    this.remedy = error.remedy;
    this.code = error.code;
    this.status = status;
  }
}

const cookie = (name) =>
  document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

/** Calls `METHOD path`; the answer's fields, or a [Failure]. */
export async function call(method, path, input, signal) {
  const reads = method === "GET" || method === "DELETE";
  const query = reads && input ? `?${new URLSearchParams(Object.entries(input).filter(([, v]) => v !== null && v !== undefined && v !== ""))}` : "";
  let response;
  try {
    response = await fetch(`/api/v1/${path}${query === "?" ? "" : query}`, {
      method,
      signal,
      headers: { "x-remuda-csrf": cookie("remuda_csrf"), ...(reads ? {} : { "content-type": "application/json" }) },
      body: reads ? undefined : JSON.stringify(input ?? {}),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ code: "not_running", message: "the daemon does not answer", remedy: "start it: remuda serve" }, 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Failure(answer.error ?? { code: "internal", message: `the daemon answered ${response.status}` }, response.status);
  }
  return answer;
}

/** A name as a segment of a path. */
export const name = (text) => encodeURIComponent(text);
