// Error-Cause (RFC 5176 §3.5): why a Disconnect- or CoA-Request was not honoured. 502 and 505 are a proxy's to send, never
// a NAS's, and stand here for what reads them.

export const ERROR_CAUSES = {
  'Residual-Context-Removed': 201,
  'Invalid-EAP-Packet': 202,
  'Unsupported-Attribute': 401,
  'Missing-Attribute': 402,
  'NAS-Identification-Mismatch': 403,
  'Invalid-Request': 404,
  'Unsupported-Service': 405,
  'Unsupported-Extension': 406,
  'Invalid-Attribute-Value': 407,
  'Administratively-Prohibited': 501,
  'Request-Not-Routable': 502,
  'Session-Context-Not-Found': 503,
  'Session-Context-Not-Removable': 504,
  'Other-Proxy-Processing-Error': 505,
  'Resources-Unavailable': 506,
  'Request-Initiated': 507,
  'Multiple-Session-Selection-Unsupported': 508,
} as const;

export type ErrorCause = keyof typeof ERROR_CAUSES;

/** Why not; `detail` is for the operator's log and may quote hostile text. */
export interface Refusal {
  readonly cause: ErrorCause;
  readonly detail: string;
}
