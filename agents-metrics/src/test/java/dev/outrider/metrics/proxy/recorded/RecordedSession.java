package dev.outrider.metrics.proxy.recorded;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * What a client and Postgres said to each other, byte by byte and in which order.
 *
 * @param name of whose
 * @param repeatable whether Postgres answers the same bytes when it is asked the same again
 * @param turns of the two in their order, which change at each
 */
public record RecordedSession(String name, boolean repeatable, List<Turn> turns) {
  /** What one side said before the other said something. */
  public static final class Turn {
    private final boolean fromClient;
    private final byte[] bytes;

    private Turn(boolean fromClient, byte[] bytes) {
      this.fromClient = fromClient;
      this.bytes = bytes;
    }

    /** Whether it is the client's. */
    public boolean fromClient() {
      return fromClient;
    }

    /** The bytes themselves, not to be changed. */
    public byte[] bytes() {
      return bytes;
    }
  }

  /** Puts together what comes. */
  static final class Recorder {
    private final List<Turn> turns = new ArrayList<>();
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private boolean client = true;

    synchronized void add(boolean fromClient, byte[] bytes, int length) {
      if (fromClient != client) {
        end();
        client = fromClient;
      }
      said.write(bytes, 0, length);
    }

    private void end() {
      if (said.size() > 0) {
        turns.add(new Turn(client, said.toByteArray()));
        said.reset();
      }
    }

    synchronized RecordedSession session(String name, boolean repeatable) {
      end();
      return new RecordedSession(name, repeatable, List.copyOf(turns));
    }
  }

  /** All that one side said. */
  public byte[] said(boolean byClient) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (Turn turn : turns) {
      if (turn.fromClient == byClient) {
        all.writeBytes(turn.bytes);
      }
    }
    return all.toByteArray();
  }

  /** How many bytes both sides said. */
  public int length() {
    return turns.stream().mapToInt(turn -> turn.bytes.length).sum();
  }

  @Override
  public String toString() {
    return name;
  }
}
