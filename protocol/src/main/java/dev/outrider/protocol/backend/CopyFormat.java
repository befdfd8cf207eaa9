package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * How the data of a COPY is laid out: what CopyInResponse, CopyOutResponse and CopyBothResponse
 * say.
 *
 * @param overall 0 text, 1 binary
 * @param columns 0 text, 1 binary, for each column
 */
public record CopyFormat(int overall, List<Integer> columns) {
  /** Takes a copy. */
  public CopyFormat {
    columns = List.copyOf(columns);
  }

  static CopyFormat read(BodyReader in) {
    CopyFormat format = new CopyFormat(in.int8("overall"), in.int16s("columns"));
    in.end();
    return format;
  }

  void write(ByteBuf out, byte type) {
    BodyWriter.begin(out, type).int8(overall).int16s(columns).end();
  }
}
