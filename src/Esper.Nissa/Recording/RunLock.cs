using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>
/// Keeps a directory to one process. The operating system gives it back when the process ends, however that happens.
/// </summary>
public sealed class RunLock : IDisposable
{
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the lock.</summary>
    /// <param name="path">The lock's file; it stays behind, empty.</param>
    /// <param name="holder">What holds it, for the message: <c>a run</c>.</param>
    /// <exception cref="EsperException">Another process has it.</exception>
    public static RunLock Take(string path, string holder) => TryTake(path) ?? throw new EsperException(
        $"'{Path.GetDirectoryName(path)}' is in use: {holder} of another process works in it. Wait for it, or end it first.");

    /// <summary>Takes the lock if it is free.</summary>
    /// <returns>Null if another process has it.</returns>
    /// <exception cref="EsperException">The file cannot be created.</exception>
    public static RunLock? TryTake(string path)
    {
        try
        {
            return new RunLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"{path} cannot be created: {e.Message}", e);
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => _file.Dispose();
}
