package dev.outrider.metrics.proxy.session;

/** Which sessions may begin where a client has connected. */
public enum Entrance {
  /** All, whatever the instance is. */
  ANY,
  /** Those with a primary. A standby is refused at any time up to the end of the login. */
  PRIMARY
}
