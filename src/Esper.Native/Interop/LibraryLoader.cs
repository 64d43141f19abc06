using System.Runtime.InteropServices;
using System.Text;

namespace Esper.Native.Interop;

/// <summary>Loads the first of several paths that loads, or says why none did.</summary>
internal static class LibraryLoader
{
    /// <summary>Loads the library from the first candidate that exists and loads; a broken file is skipped like a missing one.</summary>
    /// <exception cref="NativeLibraryException">None could be loaded; the message lists each path with its reason.</exception>
    public static (nint Handle, string Path) Load(string library, IReadOnlyList<string> candidates)
    {
        StringBuilder report = new($"{LibrarySearch.FileName(library)} could not be loaded. Tried:");
        foreach (string path in candidates)
        {
            string reason = "no such file";
            if (File.Exists(path))
            {
                try
                {
                    return (NativeLibrary.Load(path), path);
                }
                catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
                {
                    reason = SystemText(e.Message);
                }
            }

            report.Append($"\n  {path}: {reason}");
        }

        report.Append(
            $"\nFix: build the native libraries with ./build.sh build, or set {LibrarySearch.DirectoryVariable} to the folder "
            + "that holds them (it is then the only one looked in).");
        throw new NativeLibraryException(report.ToString());
    }

    /// <summary>The system loader's own words: the runtime puts a paragraph of advice before them.</summary>
    private static string SystemText(string message)
    {
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join("; ", (lines.Length > 1 ? lines[1..] : lines).Distinct(StringComparer.Ordinal));
    }
}
