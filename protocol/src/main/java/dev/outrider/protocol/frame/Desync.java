package dev.outrider.protocol.frame;

/** Why a conversation can no longer be followed. What it says can still be relayed. */
public enum Desync {
  /** What the client sent first is no start of the protocol; TLS without asking is such a thing. */
  OPENING("opening"),
  /** What was answered to a request for encryption is no such answer. */
  ANSWER("answer"),
  /** The client sent a message of a type that there is not. */
  FRONTEND_TYPE("frontend_type"),
  /** The client sent a message of a length that cannot be. */
  FRONTEND_LENGTH("frontend_length"),
  /** Postgres sent a message of a type that there is not. */
  BACKEND_TYPE("backend_type"),
  /** Postgres sent a message of a length that cannot be. */
  BACKEND_LENGTH("backend_length");

  private final String label;

  Desync(String label) {
    this.label = label;
  }

  /** The name for metrics. */
  public String label() {
    return label;
  }
}
