package dev.outrider.metrics.proxy.wire;

/** Why something was counted with the rest, though it has a fingerprint. */
enum Overflow {
  /** More messages wait for their answer than are followed. */
  PIPELINE("pipeline"),
  /** A prepared statement or portal is executed that is not known: there are too many. */
  STATEMENT("statement"),
  /** There was no room to put the pieces of a text together. */
  TEXT("text"),
  /** An answer came that belongs to no message that waits for one. */
  ANSWER("answer");

  private final String label;

  Overflow(String label) {
    this.label = label;
  }

  /** The name for metrics. */
  String label() {
    return label;
  }
}
