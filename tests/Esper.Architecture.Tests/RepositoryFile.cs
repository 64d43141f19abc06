namespace Esper.Architecture.Tests;

/// <summary>A file by its path from the root, with forward slashes.</summary>
internal sealed record RepositoryFile(string Root, string Path)
{
    public string FullPath => System.IO.Path.Combine(Root, Path);

    public long Size => new FileInfo(FullPath).Length;

    public string Text => File.ReadAllText(FullPath);

    public IEnumerable<(int Number, string Text)> Lines =>
        File.ReadLines(FullPath).Select((text, index) => (index + 1, text));

    /// <summary>Whether the file has a zero byte near its start, which no text has.</summary>
    public bool IsBinary
    {
        get
        {
            using FileStream stream = File.OpenRead(FullPath);
            Span<byte> head = stackalloc byte[8192];
            int read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            return head[..read].Contains((byte)0);
        }
    }
}
