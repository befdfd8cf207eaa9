package dev.outrider.e2e.faults;

/** What clients tell of what they see. Called from their threads. */
interface Notes {
  /** A row was committed. */
  void acknowledged(Acknowledgement one);

  /**
   * A query was answered.
   *
   * @param time {@link System#nanoTime()}
   */
  void answered(String reader, long time);

  /** The server that a client reached by an instance's own address. */
  void server(String server, String instance);

  /** A connection was made. */
  void opened(String client);

  /** It ended, or there was none to be had. */
  void closed(String client, String why);

  /** A statement failed, and the connection did not. */
  void failed(String client, String why);
}
