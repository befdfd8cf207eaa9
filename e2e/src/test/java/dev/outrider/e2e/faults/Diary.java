package dev.outrider.e2e.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** What happened when, in a file, for whoever has to find out why. Any thread may write. */
final class Diary {
  private final Path file;

  /** Lines are added to the file if it is there. */
  Diary(Path file) {
    this.file = file;
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  synchronized void note(String text) {
    try {
      Files.writeString(
          file,
          Instant.now().truncatedTo(ChronoUnit.MILLIS) + " " + text + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path file() {
    return file;
  }
}
