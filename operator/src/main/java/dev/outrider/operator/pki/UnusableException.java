package dev.outrider.operator.pki;

/** What somebody gave as a certificate or key cannot be used; the message says why, without it. */
public final class UnusableException extends Exception {
  private static final long serialVersionUID = 1;

  UnusableException(String problem, String allowed) {
    super(problem + "; allowed is " + allowed);
  }

  /** What is wrong with which entry, and what is allowed. */
  public String problem() {
    return String.valueOf(getMessage());
  }
}
