// Reads a semantic model with Microsoft's library and writes it to another folder.
using System;
using Microsoft.AnalysisServices.Tabular;

class ReadModel
{
    static int Main(string[] folders)
    {
        try
        {
            var database = TmdlSerializer.DeserializeDatabaseFromFolder(folders[0]);
            var model = database.Model;
            var counts = new object[] { model.Tables.Count, model.Relationships.Count };
            Console.WriteLine("{0} tables, {1} relationships", counts);
            TmdlSerializer.SerializeDatabaseToFolder(database, folders[1]);
            return 0;
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error);
            return 1;
        }
    }
}
