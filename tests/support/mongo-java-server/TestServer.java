import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;
import org.h2.mvstore.MVStore;

/** TestServer PORT [FILE]: listens on 127.0.0.1; with a file it keeps its data over a stop by SIGTERM. */
public final class TestServer {
  /** As it comes it says wire version 8, which the driver refuses. */
  private record Version(int getWireVersion, List<Integer> getVersionArray) implements MongoVersion {}

  /**
   * A unique index that is also used where a query has conditions besides its fields; as it comes such a query goes
   * through the whole collection. What is found by it is compared with the whole query anyway.
   */
  private static final class LeadingIndex<P> extends Index<P> {
    private final Index<P> index;

    LeadingIndex(Index<P> index, String name, List<IndexKey> keys, boolean sparse) {
      super(name, keys, sparse);
      this.index = index;
    }

    private Document leading(Document query) {
      Document leading = new Document();
      for (String key : keys()) if (query.containsKey(key)) leading.append(key, query.get(key));
      return leading;
    }

    @Override public boolean canHandle(Document query) {
      return query.keySet().containsAll(keySet()) && index.canHandle(leading(query));
    }

    @Override public Iterable<P> getPositions(Document query) {
      return index.getPositions(leading(query));
    }

    @Override public P getPosition(Document document) {
      return index.getPosition(document);
    }

    @Override public void checkAdd(Document document, MongoCollection<P> collection) {
      index.checkAdd(document, collection);
    }

    @Override public void add(Document document, P position, MongoCollection<P> collection) {
      index.add(document, position, collection);
    }

    @Override public P remove(Document document) {
      return index.remove(document);
    }

    @Override public void checkUpdate(Document before, Document after, MongoCollection<P> collection) {
      index.checkUpdate(before, after, collection);
    }

    @Override public void updateInPlace(Document before, Document after, P position, MongoCollection<P> collection) {
      index.updateInPlace(before, after, position, collection);
    }

    @Override public long getCount() {
      return index.getCount();
    }

    @Override public long getDataSize() {
      return index.getDataSize();
    }

    @Override public boolean isUnique() {
      return true;
    }

    @Override public void drop() {
      index.drop();
    }
  }

  private static final class Memory extends MemoryBackend {
    @Override public MemoryDatabase openOrCreateDatabase(String name) {
      return new MemoryDatabase(name, getCursorRegistry()) {
        @Override protected Index<Integer> openOrCreateUniqueIndex(
            String collection, String name, List<IndexKey> keys, boolean sparse) {
          return new LeadingIndex<>(super.openOrCreateUniqueIndex(collection, name, keys, sparse), name, keys, sparse);
        }
      };
    }
  }

  private static final class FileDatabase extends H2Database {
    FileDatabase(String name, MVStore store, CursorRegistry cursors) {
      super(name, store, cursors);
    }

    @Override protected Index<Object> openOrCreateUniqueIndex(
        String collection, String name, List<IndexKey> keys, boolean sparse) {
      return new LeadingIndex<>(super.openOrCreateUniqueIndex(collection, name, keys, sparse), name, keys, sparse);
    }
  }

  private static final class File extends H2Backend {
    /** An eighth of the memory holds pages that were read; as it comes 16 MB do, and each scan unpacks the rest anew. */
    File(String path) {
      super(new MVStore.Builder().fileName(path).cacheSize((int) (Runtime.getRuntime().maxMemory() >> 23)).open());
    }

    @Override protected FileDatabase openOrCreateDatabase(String name) {
      return new FileDatabase(name, getMvStore(), getCursorRegistry());
    }
  }

  public static void main(String[] arguments) {
    MongoBackend backend = arguments.length > 1 ? new File(arguments[1]) : new Memory();
    backend.version(new Version(21, List.of(7, 0, 0)));
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    System.out.println("ready");
  }
}
