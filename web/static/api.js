// @ts-check
/**
 * How a page talks to the HTTP API: JSON both ways, and every failure as one `ApiError` whose message can be shown.
 */

/** @typedef {{field: string, message: string}} FieldProblem */

export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 when the server could not be reached
   * @param {string} code stable code of the error body
   * @param {string} message sentence for a person
   * @param {FieldProblem[]} [details] per field, for 422
   * @param {number} [retryAfter] seconds, from `Retry-After`
   */
  constructor(status, code, message, details = [], retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] a form is sent as one, anything else as JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<{status: number, data: any}>}
 * @throws {ApiError}
 */
export async function call(method, path, body, signal) {
  const form = body instanceof FormData;
  const headers = /** @type {Record<string, string>} */ ({ accept: "application/json" });
  // A form brings its own type, with the boundary in it.
  if (body !== undefined && !form) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers,
      body: body === undefined ? undefined : form ? body : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "unreachable", "The server cannot be reached. Check that it is running and that you are online, then try again.");
  }
  const data = await response.json().catch(() => null);
  if (response.ok) return { status: response.status, data };
  const error = data?.error ?? {};
  const details = Array.isArray(error.details) ? error.details : [];
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  throw new ApiError(response.status, error.code ?? `http-${response.status}`, error.message ?? words(response.status), details, retryAfter);
}

/** @param {number} status */
function words(status) {
  if (status === 401) return "You are signed out. Sign in again, then come back to this page.";
  if (status === 404) return "This does not exist, or it is not yours.";
  if (status === 429) return "That was too many requests in a short time. Wait a minute, then try again.";
  return `The server answered with an error (${status}). Try again; if it stays, the server's log says more.`;
}
