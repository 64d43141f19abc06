using System.Text;

namespace Esper.Nissa;

/// <summary>Replaces a file as a whole: a reader, or a crash, sees the old content or the new, never a part.</summary>
public static class AtomicFile
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>
    /// Writes text as UTF-8 to a temporary neighbour, brings it to the disk, and renames it over the target.
    /// </summary>
    /// <exception cref="IOException">The disk is full or fails; the target is as it was.</exception>
    public static void WriteText(string path, string content) =>
        Write(path, stream => stream.Write(Utf8.GetBytes(content)));

    /// <summary>Like <see cref="WriteText"/>, with the content written by <paramref name="write"/>.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(write);
        string temporary = path + ".tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
