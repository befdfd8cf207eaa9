package dev.outrider.e2e.faults;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Clients on the second node: a process of their own in that node's network, which tells what it
 * sees line by line.
 */
public final class Inside implements AutoCloseable {
  private static final String PASSWORD = "OUTRIDER_FAULTS_PASSWORD";

  /** Divides the words of a line; part of no word. */
  private static final String TAB = "\t";

  private static final String END = ".";

  private final Process process;
  private final Thread reader;

  private Inside(Process process, Thread reader) {
    this.process = process;
    this.reader = reader;
  }

  /** Starts them: a writer by way of the Service, and a held one and another to an instance. */
  static Inside start(Stage stage, Instance instance, String run, History history) {
    Target service = stage.service("rw");
    List<String> command =
        new ArrayList<>(
            List.of(
                "nsenter",
                "--net=" + Surroundings.NODE2_NETWORK,
                "--",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Inside.class.getName()));
    command.addAll(
        List.of(
            service.database(),
            service.user(),
            run,
            service.address(),
            instance.address(),
            instance.name()));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put(PASSWORD, service.password());
    try {
      Process process = builder.start();
      Thread reader = Thread.ofVirtual().name("inside").start(() -> follow(process, history));
      return new Inside(process, reader);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void follow(Process process, Notes notes) {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split(TAB, -1);
        if (!words[words.length - 1].equals(END)) {
          // The last one, in which it was ended.
          return;
        }
        switch (words[0]) {
          case "acknowledged" ->
              notes.acknowledged(
                  new Acknowledgement(
                      words[1],
                      Long.parseLong(words[2]),
                      words[3],
                      Integer.parseInt(words[4]),
                      Long.parseLong(words[5]),
                      Long.parseLong(words[6])));
          case "server" -> notes.server(words[1], words[2]);
          case "opened" -> notes.opened(words[1]);
          case "closed" -> notes.closed(words[1], words[2]);
          default -> notes.failed(words[1], words[2]);
        }
      }
    } catch (IOException e) {
      notes.failed("inside", String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS) || !reader.join(Duration.ofSeconds(10))) {
        throw new IllegalStateException("the clients on node2 do not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * In the network of the second node; runs until it is ended.
   *
   * @param arguments database, user, run, address of the Service, address and name of an instance
   */
  public static void main(String[] arguments) throws InterruptedException {
    String database = arguments[0];
    String user = arguments[1];
    String run = arguments[2];
    String password = String.valueOf(System.getenv(PASSWORD));
    Notes notes = new Lines();
    Target service = new Target(arguments[3], database, user, password);
    Target instance = new Target(arguments[4], database, user, password);
    String name = arguments[5];
    List<Thread> threads = new ArrayList<>();
    for (Client client :
        List.of(
            new Client("inside rw", service, null, false, Client.Task.WRITE, run, notes),
            new Client("inside held " + name, instance, name, true, Client.Task.WRITE, run, notes),
            new Client(
                "inside again " + name, instance, name, false, Client.Task.WRITE, run, notes))) {
      threads.add(Thread.ofPlatform().start(client));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static final class Lines implements Notes {
    private static synchronized void line(Object... words) {
      List<String> texts = new ArrayList<>();
      for (Object word : words) {
        texts.add(String.valueOf(word).replace(TAB, " "));
      }
      texts.add(END);
      System.out.println(String.join(TAB, texts));
    }

    @Override
    public void acknowledged(Acknowledgement one) {
      line(
          "acknowledged",
          one.writer(),
          one.number(),
          one.server(),
          one.timeline(),
          one.sent(),
          one.acknowledged());
    }

    @Override
    public void answered(String reader, long time) {}

    @Override
    public void server(String server, String instance) {
      line("server", server, instance);
    }

    @Override
    public void opened(String client) {
      line("opened", client);
    }

    @Override
    public void closed(String client, String why) {
      line("closed", client, why);
    }

    @Override
    public void failed(String client, String why) {
      line("failed", client, why);
    }
  }
}
